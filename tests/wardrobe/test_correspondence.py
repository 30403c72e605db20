"""Where the points of one rendered photograph lie in another."""

import numpy as np
import pytest

from oviton.data.classes import CLASS_IDS
from oviton.wardrobe.render import CORRESPONDENCE_NAME, WardrobeSettings, person_in_outfit, render_people

SETTINGS = WardrobeSettings(seed=7, height=256, width=128)


@pytest.fixture(scope="module")
def pair():
    """Return two people in one outfit, where the points of the first lie, and the photographs of both."""
    (first, wear), (second, _) = (person_in_outfit(SETTINGS, index) for index in (0, 1))
    photographs = [who.photograph(wear, SETTINGS.size) for who in (first, second)]
    return first, second, wear, first.correspond(wear, second, SETTINGS.size), photographs


def test_everybody_corresponds_to_themselves(pair):
    first, _, wear, _, (photograph, _) = pair
    found = first.correspond(wear, first, SETTINGS.size)
    there = found.known > 0
    rows, columns = np.nonzero(there)
    assert np.abs(found.places[there] - np.stack([columns, rows], axis=1) - 0.5).max() < 0.05
    assert (found.known[there] == 2).all()
    hair = photograph.labels == CLASS_IDS["hair"]
    assert ((photograph.labels > 0) & ~hair & ~there).sum() < 0.01 * there.sum()


def test_the_other_photograph_shows_the_same_there(pair):
    *_, found, (photograph, other) = pair
    seen = found.known == 2
    assert seen.mean() > 0.1
    column, row = np.floor(found.places[seen]).astype(int).T
    assert (photograph.labels[seen] == other.labels[row, column]).mean() > 0.95
    # The outfit has the same pattern at the same points of the cloth, though light differs.
    cloth = np.isin(photograph.labels[seen], [CLASS_IDS[name] for name in ("upper_clothes", "dress", "pants", "skirt")])
    here = photograph.image[seen][cloth].astype(float)

    def likeness(lower):
        there = other.image[np.minimum(row + lower, SETTINGS.height - 1), column][cloth].astype(float)
        return np.corrcoef(here.ravel(), there.ravel())[0, 1]

    assert likeness(0) > 0.75
    assert likeness(0) > likeness(4) + 0.4


def test_what_is_hidden_there_is_known_and_not_seen(pair):
    *_, found, (_, other) = pair
    hidden = found.known == 1
    assert hidden.any()
    column, row = np.floor(found.places[hidden]).astype(int).T
    inside = (row >= 0) & (row < SETTINGS.height) & (column >= 0) & (column < SETTINGS.width)
    assert (other.labels[row[inside], column[inside]] > 0).mean() > 0.5  # behind something, not beside it


def test_there_and_back_again(pair):
    first, second, wear, found, _ = pair
    back = second.correspond(wear, first, SETTINGS.size)
    rows, columns = np.nonzero(found.known == 2)
    x, y = found.places[rows, columns].T
    returned = back.places[y.astype(int), x.astype(int)]
    error = np.hypot(returned[:, 0] - columns - 0.5, returned[:, 1] - rows - 0.5)
    assert np.median(error) < 1


def test_people_are_written_with_it(tmp_path):
    settings = WardrobeSettings(seed=5, height=64, width=32)
    render_people(tmp_path / "people", settings, 2, workers=1)
    with np.load(tmp_path / "people" / "000001" / CORRESPONDENCE_NAME) as file:
        places, known = file["places"], file["known"]
    second, wear = person_in_outfit(settings, 1)
    wanted = second.correspond(wear, person_in_outfit(settings, 0)[0], settings.size)
    assert np.array_equal(known, wanted.known)
    assert np.abs(places.astype(np.float32) - wanted.places).max() < 0.1
