"""Tags of photographs become sets of classes."""

import numpy as np
import pytest

from oviton.data.classes import CLASS_IDS
from oviton.training.street_photographs import cut_bag, possible_classes

NAMES = ["null", "skin", "boots", "belt", "accessories", "shirt", "bag"]
BAG_NAMES = ["null", "shirt", "bag", "purse", "wallet"]
TORSO, LEFT_UPPER_ARM, RIGHT_LOWER_LEG, HEAD = 2, 15, 11, 23


@pytest.mark.parametrize(
    ("tag", "guess", "part", "wanted"),
    [
        ("null", "background", 0, ["background"]),
        ("bag", "background", TORSO, ["background"]),
        ("shirt", "upper_clothes", LEFT_UPPER_ARM, ["upper_clothes"]),
        ("skin", "left_arm", LEFT_UPPER_ARM, ["left_arm"]),  # both agree
        ("skin", "face", 0, ["face"]),  # the body map knows nothing
        ("skin", "left_arm", TORSO, ["torso_skin", "left_arm"]),  # they differ
        ("skin", "torso_skin", HEAD, ["torso_skin"]),  # a neck
        ("boots", "left_shoe", RIGHT_LOWER_LEG, ["left_shoe", "right_shoe"]),
        ("belt", None, TORSO, ["upper_clothes", "dress", "coat", "pants", "skirt"]),
        ("accessories", None, 0, list(CLASS_IDS)),
    ],
)
def test_tags_are_what_guess_and_body_map_agree_on(tag: str, guess: str | None, part: int, wanted: list[str]) -> None:
    arrays = (NAMES.index(tag), 255 if guess is None else CLASS_IDS[guess], part)
    (found,) = possible_classes(*(np.array([value], np.uint8) for value in arrays), NAMES)
    assert [name for name, number in CLASS_IDS.items() if found >> number & 1] == wanted


def test_the_largest_bag_is_cut_out() -> None:
    tags = np.zeros((80, 90), np.uint8)
    tags[10:40, 20:60] = BAG_NAMES.index("bag")
    tags[15:20, 25:30] = BAG_NAMES.index("shirt")  # a hole
    tags[60:70, 5:15] = BAG_NAMES.index("purse")
    image = np.random.default_rng(0).integers(0, 256, (80, 90, 3), dtype=np.uint8)
    bag = cut_bag(image, tags, BAG_NAMES)
    assert bag is not None
    found = np.asarray(bag)
    assert np.array_equal(found[..., :3], image[10:40, 20:60])
    assert np.array_equal(found[..., 3] > 0, tags[10:40, 20:60] == BAG_NAMES.index("bag"))
    tags[10:40] = 0
    assert cut_bag(image, tags, BAG_NAMES) is None  # what is left is too small
