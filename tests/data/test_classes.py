import numpy as np
import pytest

from oviton.data.classes import (
    CLASS_IDS,
    CLASS_NAMES,
    GARMENTS,
    HEAD,
    PALETTE,
    SKIN,
    parse_garment_classes,
    present_classes,
)
from oviton.data.errors import InputError


def test_cihp_ids_are_the_published_ones():
    assert [CLASS_IDS[n] for n in ("upper_clothes", "dress", "coat", "pants", "face", "right_shoe")] == [
        5, 6, 7, 9, 13, 19,
    ]  # fmt: skip
    assert len(CLASS_NAMES) == len(PALETTE) == 20


def test_every_class_is_garment_or_person():
    person = {CLASS_IDS["background"], CLASS_IDS["hair"], *SKIN}
    assert person | set(GARMENTS) == set(range(20))
    assert not person & set(GARMENTS)
    assert CLASS_IDS["face"] in HEAD


def test_list_with_alias():
    assert parse_garment_classes("coat, shoes") == (7, 18, 19)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Upper-clothes", ["upper_clothes"]),
        ("T-shirt", ["upper_clothes"]),
        ("TOPS", ["upper_clothes"]),
        ("trousers , Left Shoe", ["pants", "left_shoe"]),
        ("bottoms", ["pants", "skirt"]),
        ("jackets", ["coat"]),
        ("sneakers", ["left_shoe", "right_shoe"]),
        ("scarves,hats,glasses,Gloves,sock,gown", ["scarf", "hat", "sunglasses", "glove", "socks", "dress"]),
    ],
)
def test_names_as_people_write_them(text, names):
    assert parse_garment_classes(text) == tuple(CLASS_IDS[name] for name in names)


@pytest.mark.parametrize(
    ("text", "meant"),
    [("upper_cloths", "upper_clothes"), ("jeens", "jeans"), ("trouser", "trousers"), ("bots", "boots")],
)
def test_slips_get_a_suggestion(text, meant):
    with pytest.raises(InputError, match=rf"'{text}' is unknown; did you mean {meant}\?; allowed: hat"):
        parse_garment_classes(text)


@pytest.mark.parametrize(
    ("text", "problem"), [("rucksack", "is unknown"), ("face", "is not a garment"), ("", "unknown")]
)
def test_wrong_names_are_told_with_what_is_allowed(text, problem):
    with pytest.raises(InputError, match=rf"{problem}; allowed: hat, .*shoes"):
        parse_garment_classes(text)


def test_present_classes_are_those_of_unique():
    labels = np.random.default_rng(0).choice([0, 3, 13, 19], (12, 7)).astype(np.uint8)
    assert present_classes(labels) == np.unique(labels).tolist() == [0, 3, 13, 19]
