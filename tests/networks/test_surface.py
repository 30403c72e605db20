import numpy as np
import pytest
import torch

from oviton.data.classes import CLASS_IDS
from oviton.networks.surface import FINER, fourier_features, surface_lookup, texels_for

TEXELS = 96
TOP = CLASS_IDS["upper_clothes"]


def chart(height, width, part=2):
    """A body map in which every pixel has its own texel."""
    v, u = np.mgrid[0:height, 0:width]
    to_byte = lambda i: np.ceil(i * 255 / (TEXELS - 1)).astype(np.uint8)  # noqa: E731
    return np.stack([np.full((height, width), part, np.uint8), to_byte(u), to_byte(v)], axis=2)


def as_batch(*arrays):
    return [torch.from_numpy(np.ascontiguousarray(a)).to(torch.int32) for a in arrays]


@pytest.fixture
def scene():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (1, 1, 64, 32, 3))
    labels = np.full((1, 64, 32), TOP)
    body = chart(64, 32)
    source = np.zeros((1, 20))
    source[0, TOP] = 1
    return image, labels, body, source


def lookup(image, labels, body, garment_labels, garment_body, source):
    return surface_lookup(
        *as_batch(labels, body[None], image, garment_labels[:, None], garment_body[None, None], source), TEXELS
    ).numpy()


def test_same_body_map_gives_the_pixel_itself(scene):
    _, labels, body, source = scene
    y, x = np.mgrid[0:64, 0:32]
    waves = [128 + 100 * np.sin(x * a + y * b) for a, b in ((0.3, 0.1), (0, 0.4), (0.2, -0.3))]
    image = np.stack(waves, axis=2)[None, None].round()
    found = lookup(image, labels, body, labels, body, source)[0]
    inner = (slice(None), slice(2, -2), slice(2, -2))
    expected = image[0, 0].transpose(2, 0, 1) / 127.5 - 1
    # It is sampled between pixels twice, so only to the difference of a fraction of a pixel.
    assert np.abs(found[:3][inner] - expected[inner]).mean() < 0.08
    assert np.abs(found[:3][inner] - expected[inner]).max() < 0.3
    assert (found[3][inner[1:]] == 1).all()


def test_a_shifted_person_gets_shifted_pixels(scene):
    image, labels, body, source = scene
    moved = np.roll(body, 3, axis=0)
    same = lookup(image, labels, body, labels, body, source)
    shifted = lookup(image, labels, moved, labels, body, source)
    sure = (shifted[:, 3:] == 1) & (np.roll(same, 3, axis=2)[:, 3:] == 1)
    assert sure.mean() > 0.8
    assert np.array_equal(shifted[sure.repeat(4, 1)], np.roll(same, 3, axis=2)[sure.repeat(4, 1)])


def test_coordinates_are_not_interpolated_across_a_seam():
    """Left half of a chart's rim beside its right half: what lies between in U is not what lies between in space."""
    labels = np.full((1, 64, 32), TOP)
    body = np.zeros((64, 32, 3), np.uint8)
    body[..., 0] = 15
    body[:, :16, 1], body[:, 16:, 1] = np.arange(16), 240 + np.arange(16)
    body[..., 2] = (np.arange(64) * 4)[:, None]
    image = np.zeros((1, 1, 64, 32, 3))
    image[..., 16:, :] = 255
    source = np.zeros((1, 20))
    source[0, TOP] = 1
    middle = body.copy()
    middle[..., 1] = 120  # a place that the photograph does not show
    found = lookup(image, labels, middle, labels, body, source)[0]
    assert (found[3, 8:-8, 8:-8] < 0.95).all()
    ends = lookup(image, labels, body, labels, body, source)[0]
    assert np.allclose(ends[0, 8:-8, 4:12], -1, atol=1e-5)
    assert np.allclose(ends[0, 8:-8, 20:28], 1, atol=1e-5)


def test_nothing_is_looked_up_outside_the_worn_class(scene):
    image, labels, body, source = scene
    other = labels.copy()
    other[:, :, :16] = CLASS_IDS["pants"]
    found = lookup(image, other, body, labels, body, source)
    assert (found[..., :16] == 0).all()
    # A garment photograph whose class is not worn gives nothing.
    assert (lookup(image, labels, body, np.full_like(labels, CLASS_IDS["coat"]), body, source) == 0).all()


def test_other_body_parts_know_nothing(scene):
    image, labels, body, source = scene
    arm = chart(64, 32, part=15)
    assert (lookup(image, labels, arm, labels, body, source) == 0).all()
    assert (lookup(image, labels, np.zeros_like(body), labels, body, source) == 0).all()


def test_holes_are_filled_with_less_confidence(scene):
    image, labels, body, source = scene
    image = np.full_like(image, 255)
    garment_labels = labels.copy()
    garment_labels[:, 20:40, 8:24] = 0
    found = lookup(image, labels, body, garment_labels, body, source)[0]
    hole = found[:, 30, 15]
    assert 0 < hole[3] < 1
    assert np.allclose(hole[:3] / hole[3], 1, atol=1e-5)


def test_cloth_clear_of_the_body_takes_after_its_neighbours(scene):
    _, labels, body, source = scene
    image = np.full((1, 1, 64, 32, 3), 255)
    wide = body.copy()
    wide[:, 20:] = 0  # a loose sleeve: the label goes on, the body does not
    found = lookup(image, labels, wide, labels, body, source)[0]
    assert (found[3, 10:-10, 20:] > 0.2).all()
    assert (found[3, 10:-10, 20:] < 1).all()
    assert np.allclose(found[:3, 10:-10, 20:] / found[3, 10:-10, 20:], 1, atol=1e-5)


def test_each_pixel_reads_its_own_garment():
    body, labels = chart(64, 32), np.full((1, 64, 32), TOP)
    labels[:, 32:] = CLASS_IDS["pants"]
    images = np.stack([np.full((64, 32, 3), 255), np.zeros((64, 32, 3))])[None]
    garment_labels = np.stack([np.full((64, 32), TOP), np.full((64, 32), CLASS_IDS["pants"])])[None]
    source = np.zeros((1, 20))
    source[0, TOP], source[0, CLASS_IDS["pants"]] = 1, 2
    found = surface_lookup(
        *as_batch(labels, body[None], images, garment_labels, np.stack([body, body])[None], source), TEXELS
    ).numpy()[0]
    assert np.allclose(found[0, 2:30, 2:-2], 1)
    assert np.allclose(found[0, 34:-2, 2:-2], -1)


def test_charts_match_the_frame():
    assert [texels_for(height) for height in (64, 256, 512)] == [32, 128, 192]
    for height in (64, 256, 512):
        assert 25 * texels_for(height) ** 2 >= FINER**2 * height * height // 2


def test_fourier_features_are_bounded_and_zero_off_the_body():
    body = chart(8, 8)
    body[:, :4, 0] = 0
    features = fourier_features(torch.from_numpy(body)[None].int(), torch.float32)
    assert features.shape == (1, 16, 8, 8)
    assert features.abs().max() <= 1
    assert features[..., :4].abs().max() == 0
