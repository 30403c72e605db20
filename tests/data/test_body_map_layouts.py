import numpy as np
import pytest
from PIL import Image

from oviton.data.body_map_layouts import as_body_map, looks_reversed, place_box, resize_nearest
from oviton.data.errors import InputError
from oviton.data.images import read_densepose
from oviton.data.person_folder import read_person_folder


@pytest.fixture
def body(people):
    return read_person_folder(people / "ana").densepose


def written(body, layout):
    scaled = np.concatenate([body[..., :1], body[..., 1:] / 255.0], axis=2)
    return {
        "channels first": np.moveaxis(body, 2, 0),
        "wide whole numbers": body.astype(np.int64),
        "floats to 255": body.astype(np.float32),
        "U and V to 1": scaled.astype(np.float32),
        "U and V to 1, channels first": np.moveaxis(scaled, 2, 0).astype(np.float16),
        "a picture read as floats": (body / 255).astype(np.float32),
    }[layout]


@pytest.mark.parametrize(
    "layout",
    [
        "channels first", "wide whole numbers", "floats to 255", "U and V to 1", "U and V to 1, channels first",
        "a picture read as floats",
    ],
)  # fmt: skip
def test_every_layout_is_read_as_the_same_map(tmp_path, body, layout):
    np.save(tmp_path / "densepose.npy", written(body, layout))
    assert np.array_equal(read_densepose(tmp_path / "densepose.npy"), body)


@pytest.mark.parametrize(
    ("array", "problem"),
    [
        (np.zeros((4, 4)), r"shape \[4, 4\], dtype float64 found; allowed: part 0 to 24, U and V"),
        (np.zeros((25, 4, 4)), r"shape \[25, 4, 4\]"),
        (np.zeros((4, 4, 3), bool), "dtype bool"),
        (np.full((4, 4, 3), -1.0), "values from -1 to -1"),
        (np.full((4, 4, 3), np.nan), "values from nan to nan"),
        (np.full((4, 4, 3), 0.3), "no whole numbers"),
        (np.full((4, 4, 3), 300), "values from 300"),
    ],
)
def test_what_is_no_body_map_is_refused(array, problem):
    with pytest.raises(InputError, match=f"map.npy: .*{problem}"):
        as_body_map(array, "map.npy")


def test_reversed_channels_are_told_with_what_reads_them(tmp_path, body):
    Image.fromarray(body[..., ::-1]).save(tmp_path / "densepose.png")
    with pytest.raises(InputError, match=r"look reversed .* --densepose-from bgr"):
        read_densepose(tmp_path / "densepose.png")
    assert not looks_reversed(body)
    noise = np.random.default_rng(0).integers(0, 256, body.shape).astype(np.uint8)
    noise[..., 2] %= 25
    assert not looks_reversed(noise)


@pytest.mark.parametrize(("left", "top"), [(3, 2), (-1, -2), (8, 5)])
def test_a_box_lies_where_it_was_cut(left, top):
    box = np.random.default_rng(0).integers(1, 25, (4, 3, 3)).astype(np.uint8)
    whole = place_box(box, (left, top), (7, 9), "map")
    framed = np.zeros((7 + 20, 9 + 20, 3), np.uint8)
    framed[top + 10 : top + 14, left + 10 : left + 13] = box
    assert np.array_equal(whole, framed[10:17, 10:19])


def test_a_box_of_another_size_is_resized():
    box = np.array([[1, 2], [3, 4]], np.uint8)[..., None].repeat(3, axis=2)
    whole = place_box(box, (1, 0, 5, 4), (5, 6), "map")[..., 0]
    assert whole.tolist() == [[0, 1, 1, 2, 2, 0]] * 2 + [[0, 3, 3, 4, 4, 0]] * 2 + [[0] * 6]


@pytest.mark.parametrize("box", [(9, 0), (0, 7), (-3, 0), (4, 4, 4, 6)])
def test_a_box_outside_is_refused(box):
    with pytest.raises(InputError, match="is empty or outside the photograph"):
        place_box(np.ones((4, 3, 3), np.uint8), box, (7, 9), "map")


@pytest.mark.parametrize("size", [(7, 5), (24, 12), (12, 6)])
def test_resizing_is_pillows_nearest_neighbour(size):
    ids = np.random.default_rng(0).integers(0, 20, (12, 6)).astype(np.uint8)
    expected = Image.fromarray(ids).resize(size[::-1], Image.Resampling.NEAREST)
    assert np.array_equal(resize_nearest(ids, size), np.asarray(expected))
