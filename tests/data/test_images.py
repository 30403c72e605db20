import contextlib
import io
import os
import struct
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from oviton.data.errors import InputError
from oviton.data.images import choose, read_densepose, read_image, read_labels, write_image


def save(path, array, **options):
    Image.fromarray(array).save(path, **options)
    return path


@pytest.fixture
def picture():
    return np.random.default_rng(0).integers(0, 256, (20, 10, 3)).astype(np.uint8)


def test_png_is_read_as_it_was_written(tmp_path, picture):
    assert np.array_equal(read_image(save(tmp_path / "image.png", picture)), picture)


def test_exif_orientation_is_applied(tmp_path, picture):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera lay on its side: turn right by 90° to see it upright
    path = tmp_path / "image.png"
    Image.fromarray(picture).save(path, exif=exif)
    assert np.array_equal(read_image(path), np.rot90(picture, k=-1))


def test_transparent_pixels_become_white(tmp_path):
    rgba = np.zeros((4, 4, 4), np.uint8)
    assert (read_image(save(tmp_path / "image.png", rgba)) == 255).all()


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "1"])
def test_other_modes_become_rgb(tmp_path, mode):
    suffix = ".jpg" if mode == "CMYK" else ".png"
    path = tmp_path / f"image{suffix}"
    Image.new(mode, (5, 7)).save(path)
    assert read_image(path).shape == (7, 5, 3)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_is_white_in_every_mode(tmp_path, mode):
    Image.new("RGBA", (5, 7), (10, 20, 30, 0)).convert(mode).save(tmp_path / "image.png")
    assert (read_image(tmp_path / "image.png") == 255).all()


def test_16_bit_photographs_are_refused(tmp_path):
    Image.new("I;16", (5, 7), 3000).save(tmp_path / "image.png")
    with pytest.raises(InputError, match="mode I;16; allowed: 8 bits"):
        read_image(tmp_path / "image.png")


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "PPM", "BMP"])
def test_only_the_named_formats_are_decoded(tmp_path, kind):
    Image.new("RGB", (5, 7)).save(tmp_path / "image.png", format=kind)
    with pytest.raises(InputError, match="not a picture; allowed: JPEG, PNG, WEBP"):
        read_image(tmp_path / "image.png")


def test_animations_are_refused(tmp_path):
    frames = [Image.new("RGB", (5, 7), (i, 0, 0)) for i in (10, 200)]
    frames[0].save(tmp_path / "image.webp", save_all=True, append_images=frames[1:])
    with pytest.raises(InputError, match="an animation"):
        read_image(tmp_path / "image.webp")


def test_damaged_exif_is_no_orientation(tmp_path, picture):
    Image.fromarray(picture).save(tmp_path / "image.png", exif=b"Exif\x00\x00II*\x00\xff\xff\xff\xff")
    assert np.array_equal(read_image(tmp_path / "image.png"), picture)


def test_labels_of_4_bits_are_refused_since_their_ids_would_change(tmp_path):
    ids = np.array([[0, 1], [1, 0]], np.uint8)
    packed = zlib.compress(b"".join(b"\x00" + bytes([row[0] << 4 | row[1]]) for row in ids))

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 2, 2, 4, 0, 0, 0, 0)
    content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")
    (tmp_path / "labels.png").write_bytes(content)
    with pytest.raises(InputError, match="stored as L;4; allowed: 8-bit grey"):
        read_labels(tmp_path / "labels.png")


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "image.png")
    with pytest.raises(InputError, match="not a regular file"):
        read_image(tmp_path / "image.png")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 200), st.integers(0, 255))
def test_any_damaged_npy_is_an_input_error(tmp_path, at, value):
    np.save(tmp_path / "densepose.npy", np.zeros((6, 4, 3), np.uint8))
    content = bytearray((tmp_path / "densepose.npy").read_bytes())
    content[at % len(content)] = value
    (tmp_path / "densepose.npy").write_bytes(content)
    with contextlib.suppress(InputError):
        read_densepose(tmp_path / "densepose.npy")


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_damaged_picture_is_an_input_error(tmp_path, data):
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (16, 16, 3)).astype(np.uint8))
    kind = data.draw(st.sampled_from(["png", "jpeg", "webp"]))
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "maker"
    buffer = io.BytesIO()
    image.save(buffer, kind, exif=exif)
    content = bytearray(buffer.getvalue())
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    (tmp_path / "image.png").write_bytes(content)
    with contextlib.suppress(InputError):
        assert read_image(tmp_path / "image.png").dtype == np.uint8


def test_palette_labels_keep_their_ids(tmp_path):
    labels = np.arange(20, dtype=np.uint8).reshape(4, 5)
    image = Image.fromarray(labels, mode=None).convert("P")
    image.putpalette([255 - i for i in range(256) for _ in range(3)])
    image = Image.frombytes("P", (5, 4), labels.tobytes())
    image.putpalette([255 - i for i in range(256) for _ in range(3)])
    image.save(tmp_path / "labels.png")
    assert np.array_equal(read_labels(tmp_path / "labels.png"), labels)


def png_bomb(width, height):
    """A PNG of a few bytes that declares a huge size."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(100)))


@pytest.mark.parametrize(("width", "height"), [(9_000, 9_000), (12_000, 12_000), (60_000, 60_000)])
def test_decompression_bomb_is_refused_before_decoding(tmp_path, width, height):
    path = tmp_path / "image.png"
    path.write_bytes(png_bomb(width, height))
    with pytest.raises(InputError, match=r"image\.png.*allowed: up to 67 Mpx"):
        read_image(path)


def test_npy_bomb_is_refused_before_reading(tmp_path):
    path = tmp_path / "densepose.npy"
    np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=(20_000, 20_000, 3))
    with pytest.raises(InputError, match=r"densepose\.npy.*allowed: up to 67 Mpx"):
        read_densepose(path)


@pytest.mark.parametrize("content", [b"", b"hello", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0 not a jpeg"])
def test_what_is_no_picture_is_named(tmp_path, content):
    path = tmp_path / "image.png"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"image\.png"):
        read_image(path)


def test_truncated_picture_is_refused(tmp_path, picture):
    buffer = io.BytesIO()
    Image.fromarray(np.tile(picture, (10, 10, 1))).save(buffer, "jpeg")
    path = tmp_path / "image.jpg"
    path.write_bytes(buffer.getvalue()[:-200])
    with pytest.raises(InputError, match="damaged"):
        read_image(path)


def test_label_id_above_19_is_named(tmp_path):
    path = save(tmp_path / "labels.png", np.full((4, 4), 20, np.uint8))
    with pytest.raises(InputError, match="label id 20 found; allowed: 0 to 19"):
        read_labels(path)


def test_colour_labels_are_refused(tmp_path, picture):
    with pytest.raises(InputError, match="stored as RGB"):
        read_labels(save(tmp_path / "labels.png", picture))


def test_densepose_part_above_24_is_named(tmp_path):
    path = save(tmp_path / "densepose.png", np.full((4, 4, 3), 25, np.uint8))
    with pytest.raises(InputError, match="DensePose part 25 found; allowed: 0 to 24"):
        read_densepose(path)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((4, 4, 3), bool),
        np.zeros((4, 4), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros((), np.uint8),
    ],
)
def test_npy_of_wrong_shape_or_dtype_is_refused(tmp_path, array):
    np.save(tmp_path / "densepose.npy", array)
    with pytest.raises(InputError, match=r"densepose\.npy: (shape|dtype)"):
        read_densepose(tmp_path / "densepose.npy")


def test_pickled_npy_is_never_loaded(tmp_path):
    np.save(tmp_path / "densepose.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match="not a NumPy array"):
        read_densepose(tmp_path / "densepose.npy")


def test_npy_densepose_equals_png(tmp_path):
    body = np.random.default_rng(1).integers(0, 25, (8, 6, 3)).astype(np.uint8)
    np.save(tmp_path / "densepose.npy", np.asfortranarray(body))
    save(tmp_path / "densepose.png", body)
    assert np.array_equal(read_densepose(tmp_path / "densepose.npy"), read_densepose(tmp_path / "densepose.png"))


def test_write_image_refuses_lossy_labels(tmp_path):
    with pytest.raises(InputError, match=r"allowed endings: \.png"):
        write_image(tmp_path / "labels.jpg", np.zeros((4, 4), np.uint8))
    assert not list(tmp_path.iterdir())


def test_a_picture_too_large_for_its_format_is_named(tmp_path):
    with pytest.raises(InputError, match=r"a\.webp at 20000x2: .*try \.png"):
        write_image(tmp_path / "a.webp", np.zeros((2, 20_000, 3), np.uint8))


def test_choosing_pixels_is_exact():
    rng = np.random.default_rng(0)
    yes, no = rng.integers(0, 256, (2, 37, 21, 3)).astype(np.uint8)
    mask = rng.random((37, 21)) < 0.5
    chosen = choose(mask, yes, no)
    assert np.array_equal(chosen, np.where(mask[..., None], yes, no))
    assert chosen.flags.writeable  # a look's picture is its owner's to draw on
