import numpy as np
import pytest

from oviton.data.classes import CLASS_IDS, CLASS_NAMES
from oviton.data.conventions import CONVENTIONS, find_convention, range_hint, to_cihp
from oviton.data.errors import InputError
from oviton.data.person_folder import read_person_folder

ATR = [
    "background",
    "hat",
    "hair",
    "sunglasses",
    "upper_clothes",
    "skirt",
    "pants",
    "dress",
    "belt",
    "left_shoe",
    "right_shoe",
    "face",
    "left_leg",
    "right_leg",
    "left_arm",
    "right_arm",
    "bag",
    "scarf",
]
"""As its data set names them."""

FASHN = [
    "background",
    "face",
    "hair",
    "top",
    "dress",
    "skirt",
    "pants",
    "belt",
    "bag",
    "hat",
    "scarf",
    "glasses",
    "arms",
    "hands",
    "legs",
    "feet",
    "torso",
    "jewelry",
]
TO_FASHN = {"upper_clothes": "top", "torso_skin": "torso", "left_arm": "arms", "right_arm": "arms"} | {
    "left_leg": "legs", "right_leg": "legs", "left_shoe": "feet", "right_shoe": "feet", "sunglasses": "glasses",
}  # fmt: skip


def encoded(labels, names, others):
    """Return CIHP labels as another parser would have written them."""
    table = [names.index(others.get(name, name)) if others.get(name, name) in names else 0 for name in CLASS_NAMES]
    return np.array(table, np.uint8)[labels]


@pytest.fixture
def hugo(people):
    return read_person_folder(people / "hugo")


def test_conventions_have_the_published_numbers_of_classes():
    sizes = {name: len(convention.targets) for name, convention in CONVENTIONS.items()}
    assert sizes == {"cihp": 20, "lip": 20, "atr": 18, "c14": 14, "c7": 7, "fashn": 18, "sapiens": 28}


def test_cihp_stays_as_it_is(hugo):
    labels, notes = to_cihp(hugo.labels, CONVENTIONS["cihp"], hugo.densepose, "hugo")
    assert np.array_equal(labels, hugo.labels)
    assert not notes


def test_atr_comes_back_with_the_neck_from_the_body_map(hugo):
    written = encoded(hugo.labels, ATR, {"torso_skin": "face"})
    labels, notes = to_cihp(written, CONVENTIONS["atr"], hugo.densepose, "hugo")
    assert (labels == hugo.labels).mean() > 0.999
    assert (labels == CLASS_IDS["torso_skin"]).any()
    assert "no coat" in notes[0]


@pytest.mark.parametrize("name", ["ana", "chloe", "hugo"])
def test_the_body_map_gives_limbs_their_sides(people, name):
    person = read_person_folder(people / name)
    written = encoded(person.labels, FASHN, TO_FASHN)
    labels, notes = to_cihp(written, CONVENTIONS["fashn"], person.densepose, name)
    limbs = np.isin(person.labels, [CLASS_IDS[n] for n in CLASS_NAMES if n.startswith(("left", "right"))])
    assert limbs.sum() > 1000
    assert (labels == person.labels)[limbs].mean() > 0.99
    assert len(notes) == 1  # what fashn lacks; nothing was guessed


def test_limb_pixels_off_the_body_take_the_side_of_the_limb_they_hang_on():
    arms = np.full((1, 8), FASHN.index("arms"), np.uint8)
    arms[0, 4] = 0
    body = np.zeros((1, 8, 3), np.uint8)
    body[0, 0, 0], body[0, 7, 0] = 22, 21  # right forearm, left forearm
    labels, _ = to_cihp(arms, CONVENTIONS["fashn"], body, "arms")
    right, left = CLASS_IDS["right_arm"], CLASS_IDS["left_arm"]
    assert labels[0].tolist() == [right] * 4 + [0] + [left] * 3


def test_without_a_body_map_sides_are_guessed_and_told():
    legs = np.array([[FASHN.index("legs"), 0, FASHN.index("legs")]], np.uint8)
    labels, notes = to_cihp(legs, CONVENTIONS["fashn"], None, "legs")
    assert [CLASS_NAMES[i] for i in labels[0]] == ["right_leg", "background", "left_leg"]
    assert "guessed for a person who faces the camera" in notes[1]


def test_a_jumpsuit_becomes_top_and_trousers():
    body = np.array([[2, 9, 0]], np.uint8)[..., None].repeat(3, axis=2)  # torso, thigh, loose cloth
    labels, _ = to_cihp(np.full((1, 3), 10, np.uint8), CONVENTIONS["lip"], body, "suit")
    assert [CLASS_NAMES[i] for i in labels[0]] == ["upper_clothes", "pants", "upper_clothes"]


def test_a_mask_is_of_one_garment():
    labels, notes = to_cihp(np.array([[0, 1, 255]], np.uint8), find_convention("mask:T-shirt"), None, "mask")
    assert labels.tolist() == [[0, 5, 5]]
    assert not notes


@pytest.mark.parametrize("name", ["mask", "mask:shoes", "mask:"])
def test_a_mask_of_something_else_is_refused(name):
    with pytest.raises(InputError, match="a mask is of one garment"):
        find_convention(name)


def test_an_unknown_convention_is_told_with_what_is_allowed():
    with pytest.raises(InputError, match="'ade20k': unknown; allowed: cihp, lip, atr"):
        find_convention("ade20k")


def test_ids_beyond_a_convention_are_named():
    with pytest.raises(InputError, match=r"labels.png: label id 18 found; allowed in atr: 0 to 17 \(ATR"):
        to_cihp(np.array([[18]], np.uint8), CONVENTIONS["atr"], None, "labels.png")


@pytest.mark.parametrize(
    ("ids", "told"),
    [([0, 255], "a mask"), ([0, 5, 255], "pixels to ignore"), ([0, 27], "ids of sapiens"), ([0, 90, 255], "")],
)
def test_ids_out_of_range_are_explained(ids, told):
    hint = range_hint(np.array([ids], np.uint8))
    assert told in hint
    assert bool(hint) == bool(told)
