import numpy as np
import pytest
import torch

from oviton.data.classes import CLASS_IDS
from oviton.networks.correspondence.surface import coordinate_features, surface_lookup
from oviton.networks.inputs import body_planes

TOP = CLASS_IDS["upper_clothes"]


def chart(height, width, parts=(2, 1)):
    """A body map in which every pixel of a frame of 64×32 has its own texel: its halves lie in two charts."""
    v, u = np.mgrid[0:height, 0:width]
    part = np.where(v < 32, *parts)
    return np.stack([part, (u * 255 + 15) // 31, (v % 32 * 255 + 15) // 31], axis=2).astype(np.uint8)


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
        *as_batch(labels, body[None], image, garment_labels[:, None], garment_body[None, None], source)
    ).numpy()


def test_same_body_map_gives_the_pixel_itself(scene):
    image, labels, body, source = scene
    found = lookup(image, labels, body, labels, body, source)[0]
    expected = image[0, 0].transpose(2, 0, 1) / 127.5 - 1
    assert np.abs(found[:3] - expected).max() < 1e-6
    assert (found[3] == 1).all()


def test_a_shifted_person_gets_shifted_pixels(scene):
    image, labels, body, source = scene
    found = lookup(image, labels, np.roll(body, 3, axis=0), labels, body, source)[0]
    expected = np.roll(image[0, 0], 3, axis=0).transpose(2, 0, 1) / 127.5 - 1
    inner = (slice(None), slice(12, -12))  # the seam of rolling is in the first rows
    assert np.abs(found[:3][inner] - expected[inner]).max() < 1e-6
    assert (found[3][inner[1:]] == 1).all()


def test_a_turned_person_gets_turned_pixels(scene):
    """Displacements change by a pixel from pixel to pixel here, and their average is still right."""
    image, labels, body, source = scene
    found = lookup(image, labels, body[:, ::-1], labels, body, source)[0]
    expected = image[0, 0, :, ::-1].transpose(2, 0, 1) / 127.5 - 1
    inner = (slice(None), slice(8, -8), slice(8, -8))
    assert np.abs(found[:3][inner] - expected[inner]).max() < 1e-6


def test_places_between_pixels_are_read_between_pixels(scene):
    _, labels, body, source = scene
    image = np.broadcast_to(np.arange(0, 256, 4)[:, None, None], (1, 1, 64, 32, 3))
    wide = body.copy()
    wide[:, :, 0], wide[:, :, 2] = 2, np.arange(64)[:, None] * 2 + 1  # a quarter of a row of the chart each
    found = lookup(image, labels, wide, labels, body, source)[0]
    rows = found[0, 8:-8, 16]
    assert np.allclose(np.diff(rows), 2 / 255 * 31 * 4 / 127.5, atol=0.004)


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
    arm = chart(64, 32, parts=(15, 16))
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


def test_the_pattern_goes_on_where_cloth_hangs_clear_of_the_body(scene):
    image, labels, body, source = scene
    slim = body.copy()
    slim[:, 20:] = 0  # a loose sleeve: the label goes on, the body does not
    found = lookup(image, labels, slim, labels, slim, source)[0]
    assert (found[3, :, 24:] > 0.5).all()
    assert (found[3, :, 24:] < 1).all()
    expected = image[0, 0].transpose(2, 0, 1) / 127.5 - 1
    assert np.allclose(found[:3] / found[3], expected, atol=1e-5)


def test_a_body_map_without_coordinates_tells_nothing(scene):
    image, labels, body, source = scene
    parts = body.copy()
    parts[..., 1:] = 0
    assert (lookup(image, labels, parts, labels, body, source) == 0).all()
    assert (lookup(image, labels, body, labels, parts, source) == 0).all()


def test_each_pixel_reads_its_own_garment():
    body, labels = chart(64, 32), np.full((1, 64, 32), TOP)
    labels[:, 32:] = CLASS_IDS["pants"]
    images = np.stack([np.full((64, 32, 3), 255), np.zeros((64, 32, 3))])[None]
    garment_labels = np.stack([np.full((64, 32), TOP), np.full((64, 32), CLASS_IDS["pants"])])[None]
    source = np.zeros((1, 20))
    source[0, TOP], source[0, CLASS_IDS["pants"]] = 1, 2
    found = surface_lookup(
        *as_batch(labels, body[None], images, garment_labels, np.stack([body, body])[None], source)
    ).numpy()[0]
    assert np.allclose(found[0, 2:30, 2:-2], 1)
    assert np.allclose(found[0, 34:-2, 2:-2], -1)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32])
def test_any_integers_will_do(scene, dtype):
    image, labels, body, source = scene
    arrays = (labels, body[None], image, labels[:, None], body[None, None])
    found = surface_lookup(*(t.to(dtype) for t in as_batch(*arrays)), torch.from_numpy(source).int())
    assert torch.equal(found, torch.from_numpy(lookup(image, labels, body, labels, body, source)))


def test_coordinates_are_bounded_and_make_no_waves_off_the_body():
    body = chart(8, 8)
    body[:, :4, 0] = 0
    features = coordinate_features(body_planes(torch.from_numpy(body)[None]), torch.float32)
    assert features.shape == (1, 8, 8, 18)
    assert features.abs().max() <= 1
    assert features[:, :, :4, 2:].abs().max() == 0
    assert np.allclose(features[0, ..., :2], body[..., 1:] / 255)
