"""Somebody who wears a garment, a cut-out, and a product on a plain ground are told apart."""

import numpy as np
import pytest

from oviton.data.classes import CLASS_IDS
from oviton.data.errors import InputError
from oviton.data.images import Photograph
from oviton.prepare.garments import see_garment

TOP, DRESS = CLASS_IDS["upper_clothes"], CLASS_IDS["dress"]


@pytest.fixture
def shirt():
    """Where a T-shirt lies in a picture: a torso and two sleeves, with a print in its middle."""
    where = np.zeros((120, 100), bool)
    where[20:110, 30:70] = True
    where[20:50, 10:90] = True
    return where


def photograph(shirt, ground, cloth=(10, 20, 60)):
    image = np.empty((*shirt.shape, 3), np.uint8)
    image[:] = ground
    image[shirt] = cloth
    return image


def opaque(image):
    return Photograph(image, None, 1)


def test_a_worn_garment_has_its_wearers_labels_and_body_map(preparer, two_people):
    image, labels, _, (left, _) = two_people
    prepared = see_garment(opaque(image), (TOP,), preparer)
    assert (prepared.labels[left] == labels[left]).mean() > 0.85
    assert prepared.densepose is not None


def test_of_several_wearers_one_can_be_named(preparer, two_people):
    prepared = see_garment(opaque(two_people[0]), (CLASS_IDS["coat"],), preparer, "right")
    assert CLASS_IDS["coat"] in prepared.labels


def test_a_cut_out_is_what_is_opaque(preparer, shirt):
    image = photograph(shirt, (90, 10, 10), (90, 10, 10))  # colour tells nothing
    prepared = see_garment(Photograph(image, np.where(shirt, 255, 3).astype(np.uint8), 1), (DRESS,), preparer)
    assert np.array_equal(prepared.labels, shirt * DRESS)
    assert prepared.densepose is None
    assert prepared.box == (10, 20, 90, 110)


def test_a_product_is_what_differs_from_its_ground_with_its_prints(preparer, shirt):
    image = photograph(shirt, (250, 250, 250))
    image[60:80, 40:60] = 250  # a print of the ground's colour
    noise = np.random.default_rng(3).integers(-6, 7, image.shape)
    image = (image + noise).clip(0, 255).astype(np.uint8)
    assert np.array_equal(see_garment(opaque(image), (TOP,), preparer).labels, shirt * TOP)


def test_a_shaded_ground_is_still_plain(preparer, shirt):
    image = photograph(shirt, (0, 0, 0))
    shade = np.linspace(232, 250, 120).astype(np.uint8)[:, None, None]
    image[~shirt] = np.broadcast_to(shade, image.shape)[~shirt]
    assert np.array_equal(see_garment(opaque(image), (TOP,), preparer).labels, shirt * TOP)


def test_what_cannot_be_told_is_refused_with_a_way_out(preparer, shirt):
    crowded = np.random.default_rng(0).integers(0, 110, (120, 100, 3)).astype(np.uint8)
    with pytest.raises(InputError, match=r"shirt.jpg: neither somebody who wears it nor .* cut it out"):
        see_garment(opaque(crowded), (TOP,), preparer, name="shirt.jpg")
    with pytest.raises(InputError, match="neither"):
        see_garment(opaque(np.full((50, 50, 3), 100, np.uint8)), (TOP,), preparer)
    with pytest.raises(InputError, match="upper_clothes, pants are to be taken from it; name one class"):
        see_garment(opaque(photograph(shirt, (250,) * 3)), (TOP, CLASS_IDS["pants"]), preparer)
