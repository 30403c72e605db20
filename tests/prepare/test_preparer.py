"""From a photograph to the maps of one person in it."""

import numpy as np
import pytest

from oviton.bundle.bundle import SHIPPED_BUNDLES
from oviton.data.errors import InputError
from oviton.prepare.preparer import Preparer

from coloured_people import paint, person


def agreement(found, truth):
    return ((found > 0) & (found == truth)).sum() / ((found > 0) | (truth > 0)).sum()


@pytest.mark.parametrize(("who", "which"), [("largest", 0), ("right", 1), ((285, 180), 1), ((100, 100), 0)])
def test_only_the_chosen_person_gets_labels_and_a_body_map_in_their_place(preparer, two_people, who, which):
    image, labels, parts, people = two_people
    alone = np.zeros_like(labels)
    alone[people[which]] = labels[people[which]]
    prepared = preparer(image, who)
    assert prepared.labels.shape == labels.shape
    assert agreement(prepared.labels, alone) > 0.85  # a coarse parser sees borders a pixel off
    assert agreement(prepared.densepose[..., 0], np.where(alone > 0, parts, 0)) > 0.85
    rows, columns = people[which]
    coarse = 400 / 64 * 4  # a pixel in which people are found
    assert np.allclose(prepared.box, (columns.start, rows.start, columns.stop, rows.stop), atol=coarse)


def test_several_people_are_told_unless_one_was_named(preparer, two_people):
    assert "2 people found, the largest was taken" in preparer(two_people[0], name="street.jpg").notes[0]
    assert not preparer(two_people[0], "left").notes


def test_a_photograph_of_nobody_is_refused(preparer):
    with pytest.raises(InputError, match=r"room.jpg: no person was found"):
        preparer(np.full((200, 100, 3), 10, np.uint8), name="room.jpg")


def test_a_small_person_far_off_is_seen_at_full_size(preparer):
    labels, parts = np.zeros((900, 1600), np.uint8), np.zeros((900, 1600), np.uint8)
    labels[300:700, 1200:1360], parts[300:700, 1200:1360] = person(400, 160)
    prepared = preparer(paint(labels, parts))
    assert agreement(prepared.labels, labels) > 0.85


def test_a_bundle_that_dresses_people_is_refused():
    with pytest.raises(InputError, match="family o-viton; allowed: prepare"):
        Preparer.load(SHIPPED_BUNDLES / "small")
