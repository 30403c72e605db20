import numpy as np
import pytest
import torch

from oviton.data.classes import CLASS_IDS
from oviton.networks.correspondence.matcher import grid
from oviton.networks.correspondence.places import to_units
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
    source = np.zeros((1, 20))
    source[0, TOP] = 1
    return image, labels, source


def places(rows=lambda y, x: y, columns=lambda y, x: x, seen=1.0):
    """Places of every pixel of a frame of 64×32, from functions of its own."""
    y, x = np.mgrid[0:64, 0:32] + 0.5
    shares = torch.from_numpy(np.stack([columns(y, x) / 32, rows(y, x) / 64])).float()
    return to_units(shares[None], torch.full((1, 1, 64, 32), seen))[:, None]


def lookup(where, image, labels, garment_labels, source):
    labels, image, garment_labels, source = as_batch(labels, image, garment_labels[:, None], source)
    return surface_lookup(labels, where, image, garment_labels, source).numpy()


def test_a_pixels_own_place_gives_the_pixel_itself(scene):
    image, labels, source = scene
    found = lookup(places(), image, labels, labels, source)[0]
    expected = image[0, 0].transpose(2, 0, 1) / 127.5 - 1
    assert np.abs(found[:3] - expected).max() < 1e-6
    assert (found[3] == 1).all()


def test_a_turned_and_shifted_person_gets_turned_and_shifted_pixels(scene):
    image, labels, source = scene
    found = lookup(places(lambda y, x: y - 3, lambda y, x: 32 - x), image, labels, labels, source)[0]
    expected = np.roll(image[0, 0, :, ::-1], 3, axis=0).transpose(2, 0, 1) / 127.5 - 1
    assert np.abs(found[:3, 4:] - expected[:, 4:]).max() < 1e-6
    assert (found[3] == 1).all()


def test_places_between_pixels_are_read_between_pixels(scene):
    _, labels, source = scene
    image = np.broadcast_to(np.arange(0, 256, 4)[:, None, None], (1, 1, 64, 32, 3))
    found = lookup(places(lambda y, x: y / 4 + 20), image, labels, labels, source)[0]
    rows = found[0, :, 16]
    assert np.allclose(np.diff(rows), 1 / 127.5, atol=0.004)


def test_coarse_places_are_read_as_fine_ones(scene):
    image, labels, source = scene
    coarse = to_units(grid((16, 8), torch.device("cpu")), torch.ones(1, 1, 16, 8))[:, None]
    found = lookup(coarse, image, labels, labels, source)[0]
    expected = image[0, 0].transpose(2, 0, 1) / 127.5 - 1
    assert np.abs((found[:3] - expected)[:, 2:-2, 2:-2]).max() < 0.1  # a sixteenth of a pixel, of noise


def test_nothing_is_looked_up_outside_the_worn_class(scene):
    image, labels, source = scene
    other = labels.copy()
    other[:, :, :16] = CLASS_IDS["pants"]
    found = lookup(places(), image, other, labels, source)
    assert (found[..., :16] == 0).all()
    # A garment photograph whose class is not worn gives nothing.
    assert (lookup(places(), image, labels, np.full_like(labels, CLASS_IDS["coat"]), source) == 0).all()


def test_what_is_not_seen_there_has_no_confidence(scene):
    image, labels, source = scene
    assert (lookup(places(seen=0.0), image, labels, labels, source) == 0).all()
    assert np.allclose(lookup(places(seen=0.25), image, labels, labels, source)[:, 3], 0.25)


def test_holes_are_filled_with_less_confidence(scene):
    image, labels, source = scene
    image = np.full_like(image, 255)
    garment_labels = labels.copy()
    garment_labels[:, 20:40, 8:24] = 0
    found = lookup(places(), image, labels, garment_labels, source)[0]
    hole = found[:, 30, 15]
    assert 0 < hole[3] < 1
    assert np.allclose(hole[:3] / hole[3], 1, atol=1e-5)


def test_each_pixel_reads_its_own_garment():
    labels = np.full((1, 64, 32), TOP)
    labels[:, 32:] = CLASS_IDS["pants"]
    images = np.stack([np.full((64, 32, 3), 255), np.zeros((64, 32, 3))])[None]
    garment_labels = np.stack([np.full((64, 32), TOP), np.full((64, 32), CLASS_IDS["pants"])])[None]
    source = np.zeros((1, 20))
    source[0, TOP], source[0, CLASS_IDS["pants"]] = 1, 2
    labels, images, garment_labels, source = as_batch(labels, images, garment_labels, source)
    found = surface_lookup(labels, places().repeat(1, 2, 1, 1, 1), images, garment_labels, source).numpy()[0]
    assert np.allclose(found[0, :32], 1)
    assert np.allclose(found[0, 32:], -1)


def test_coordinates_are_bounded_and_make_no_waves_off_the_body():
    body = chart(8, 8)
    body[:, :4, 0] = 0
    features = coordinate_features(body_planes(torch.from_numpy(body)[None]), torch.float32)
    assert features.shape == (1, 8, 8, 18)
    assert features.abs().max() <= 1
    assert features[:, :, :4, 2:].abs().max() == 0
    assert np.allclose(features[0, ..., :2], body[..., 1:] / 255)
