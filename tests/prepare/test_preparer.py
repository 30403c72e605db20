"""From a photograph to the maps of one person in it."""

from functools import partial

import numpy as np
import pytest

from oviton.bundle.bundle import SHIPPED_BUNDLES
from oviton.data.errors import InputError
from oviton.prepare.preparer import Preparer

from coloured_people import paint, person, read_colours


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


def test_whom_a_parser_labels_by_mistake_is_left_out(two_people):
    """The two stand so near to each other that a look at one shows the other, whom this parser labels, too."""
    image, labels, _, (left, right) = two_people
    together = np.ascontiguousarray(np.delete(image, np.s_[150:250], axis=1))
    everybody = Preparer(partial(read_colours, everybody=True), (96, 64), lambda: None)
    prepared = everybody(together)
    assert agreement(prepared.labels[left], labels[left]) > 0.85
    right = right[0], slice(right[1].start - 100, right[1].stop - 100)
    assert (prepared.labels[right] > 0).mean() < 0.25  # a coarse pixel at the edge
    assert (prepared.densepose[right] > 0).mean() < 0.25


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
