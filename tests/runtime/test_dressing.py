import numpy as np
import pytest

from oviton import Garment, InputError, Person
from oviton.data.classes import CLASS_IDS
from oviton.runtime.dressing import Dressing, TryOnRequest, worn_by

DRESS, TOP, FACE = (CLASS_IDS[name] for name in ("dress", "upper_clothes", "face"))


def photo(labels, body=None):
    image = np.zeros((*labels.shape, 3), np.uint8)
    return Person(image, labels, image if body is None else body, "ana")


def two_people():
    labels = np.zeros((60, 60), np.uint8)
    labels[5:50, 5:25], labels[5:50, 35:45] = TOP, DRESS
    labels[5:10, 5:25] = labels[5:10, 35:45] = FACE
    return labels


def test_nobody_is_refused():
    person = photo(np.zeros((4, 4), np.uint8))
    with pytest.raises(InputError, match=r"ana: every pixel of its labels is 0 .*nobody to dress"):
        Dressing.plan(TryOnRequest(person, [], "hat"))


def test_a_bystander_wears_nothing_of_the_persons():
    labels = two_people()
    assert worn_by(photo(labels)) == [0, TOP, FACE]
    assert Dressing.plan(TryOnRequest(photo(labels), [], "dress")).outfit.notes == (
        "the person wears no dress, so there is none to remove",
    )
    body = np.zeros((60, 60, 3), np.uint8)
    body[5:50, 35:45] = 2
    assert worn_by(photo(labels, body)) == [0, DRESS, FACE]


def test_a_person_alone_wears_all_that_is_labelled():
    labels = two_people()
    labels[:, 25:35] = CLASS_IDS["scarf"]
    assert worn_by(photo(labels)) == sorted(set(labels.flat))
    garment = Garment(np.zeros((60, 60, 3), np.uint8), labels, "dress")
    assert Dressing.plan(TryOnRequest(photo(labels), garment)).garments == [garment]
