import numpy as np
import pytest
import torch

from oviton.data.classes import CLASS_IDS
from oviton.networks.surface import TEXELS, fourier_features, surface_lookup

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
    image = rng.integers(0, 256, (1, 1, 24, 16, 3))
    labels = np.full((1, 24, 16), TOP)
    body = chart(24, 16)
    source = np.zeros((1, 20))
    source[0, TOP] = 1
    return image, labels, body, source


def lookup(image, labels, body, garment_labels, garment_body, source):
    return surface_lookup(
        *as_batch(labels, body[None], image, garment_labels[:, None], garment_body[None, None], source)
    ).numpy()


def test_same_body_map_gives_the_pixel_itself(scene):
    image, labels, body, source = scene
    found = lookup(image, labels, body, labels, body, source)[0]
    inner = (slice(None), slice(1, -1), slice(1, -1))
    expected = image[0, 0].transpose(2, 0, 1) / 127.5 - 1
    assert np.allclose(found[:3][inner], expected[inner], atol=1e-6)
    assert (found[3][inner[1:]] == 1).all()


def test_a_shifted_person_gets_shifted_pixels(scene):
    image, labels, body, source = scene
    moved = np.roll(body, 3, axis=0)
    same = lookup(image, labels, body, labels, body, source)
    shifted = lookup(image, labels, moved, labels, body, source)
    assert np.array_equal(shifted, np.roll(same, 3, axis=2))


def test_nothing_is_looked_up_outside_the_worn_class(scene):
    image, labels, body, source = scene
    other = labels.copy()
    other[:, :, :8] = CLASS_IDS["pants"]
    found = lookup(image, other, body, labels, body, source)
    assert (found[..., :8] == 0).all()
    # A garment photograph whose class is not worn gives nothing.
    assert (lookup(image, labels, body, np.full_like(labels, CLASS_IDS["coat"]), body, source) == 0).all()


def test_other_body_parts_know_nothing(scene):
    image, labels, body, source = scene
    arm = chart(24, 16, part=15)
    assert (lookup(image, labels, arm, labels, body, source) == 0).all()
    assert (lookup(image, labels, np.zeros_like(body), labels, body, source) == 0).all()


def test_holes_are_filled_with_less_confidence(scene):
    image, labels, body, source = scene
    image = np.full_like(image, 255)
    garment_labels = labels.copy()
    garment_labels[:, 8:16, 4:12] = 0
    found = lookup(image, labels, body, garment_labels, body, source)[0]
    hole = found[:, 11, 7]
    assert 0 < hole[3] < 1
    assert np.allclose(hole[:3] / hole[3], 1, atol=1e-5)


def test_each_pixel_reads_its_own_garment():
    body, labels = chart(24, 16), np.full((1, 24, 16), TOP)
    labels[:, 12:] = CLASS_IDS["pants"]
    images = np.stack([np.full((24, 16, 3), 255), np.zeros((24, 16, 3))])[None]
    garment_labels = np.stack([np.full((24, 16), TOP), np.full((24, 16), CLASS_IDS["pants"])])[None]
    source = np.zeros((1, 20))
    source[0, TOP], source[0, CLASS_IDS["pants"]] = 1, 2
    found = surface_lookup(
        *as_batch(labels, body[None], images, garment_labels, np.stack([body, body])[None], source)
    ).numpy()[0]
    assert np.allclose(found[0, 2:10, 2:-2], 1)
    assert np.allclose(found[0, 14:-2, 2:-2], -1)


def test_fourier_features_are_bounded_and_zero_off_the_body():
    body = chart(8, 8)
    body[:, :4, 0] = 0
    features = fourier_features(torch.from_numpy(body)[None].int(), torch.float32)
    assert features.shape == (1, 16, 8, 8)
    assert features.abs().max() <= 1
    assert features[..., :4].abs().max() == 0
