from pathlib import Path

import numpy as np
import pytest

from oviton.data.errors import InputError
from oviton.data.orientation import check_upright
from oviton.data.person_folder import read_person_folder

IMAGE, LABELS, BODY = Path("image.jpg"), Path("labels.png"), Path("densepose.png")
# How stored pixels lie, by orientation, if the photograph upright is `a`: the inverse of what a viewer does.
STORED = {
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: a[:, ::-1].swapaxes(0, 1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: a[::-1].swapaxes(0, 1),
}
NAMES = ("ana", "ben", "chloe", "dev", "eva", "finn", "gia", "hugo")


@pytest.fixture(scope="module")
def everyone(people):
    return [read_person_folder(people / name) for name in NAMES]


def fits(person, orientation, labels, body=None):
    try:
        check_upright(IMAGE, person.image, orientation, (LABELS, labels), None if body is None else (BODY, body))
    except InputError as error:
        return str(error)
    return None


@pytest.mark.parametrize("orientation", [2, 3, 4])
def test_maps_as_stored_are_told_from_upright_ones(everyone, orientation):
    stored = STORED[orientation]
    for person in everyone:
        assert fits(person, orientation, person.labels, person.densepose) is None
        assert fits(person, orientation, stored(person.labels), stored(person.densepose)).startswith("labels.png: ")
        assert fits(person, orientation, person.labels, stored(person.densepose)).startswith("densepose.png: ")


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_of_a_square_photograph_a_quarter_turn_is_told_too(everyone, orientation):
    for person in everyone:
        image, labels = (
            np.pad(a, ((0, 0), (128, 128), (0, 0))[: a.ndim], mode="edge") for a in (person.image, person.labels)
        )
        square = type(person)(person.path, image, labels, None)
        assert fits(square, orientation, labels) is None
        assert fits(square, orientation, STORED[orientation](labels)) is not None


def test_labels_beside_the_edge_still_fit(everyone):
    """Labels of a small network, made larger: blocks of four pixels, a few pixels off."""
    for person in everyone:
        coarse = np.roll(np.kron(person.labels[::4, ::4], np.ones((4, 4), np.uint8)), (2, -2), (0, 1))
        assert fits(person, 3, coarse) is None
        assert fits(person, 3, STORED[3](coarse)) is not None


def test_labels_that_show_nothing_are_not_taken_on_trust(everyone):
    told = fits(everyone[0], 3, np.zeros_like(everyone[0].labels))
    assert told == (
        "labels.png: does not fit image.jpg as its EXIF orientation 3 shows it; save the photograph upright (without "
        "EXIF orientation), and make labels and body map of that"
    )


@pytest.mark.parametrize("orientation", [1, 6])
def test_where_sizes_tell_it_nothing_is_compared(everyone, orientation):
    assert fits(everyone[0], orientation, np.zeros_like(everyone[0].labels)) is None
