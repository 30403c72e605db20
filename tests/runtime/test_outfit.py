import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oviton.data.classes import CLASS_IDS, CLASS_NAMES, GARMENTS
from oviton.data.errors import InputError
from oviton.runtime.outfit import RULES, plan_outfit
from oviton.runtime.person import Garment


def garment(wear, name="photo"):
    labels = np.arange(20, dtype=np.uint8).reshape(4, 5)
    return Garment(np.zeros((4, 5, 3), np.uint8), labels, wear, name=name)


def source_of(*args, **options):
    return plan_outfit(*args, **options).described()


def test_a_dress_takes_off_top_and_bottom():
    assert source_of([garment("dress")]) == {"dress": 1, "upper_clothes": -1, "skirt": -1, "pants": -1}


def test_two_garments_from_two_photographs():
    assert source_of([garment("upper_clothes"), garment("pants")]) == {
        "upper_clothes": 1, "pants": 2, "dress": -1, "skirt": -1,
    }  # fmt: skip


def test_one_photograph_can_give_several():
    assert source_of([garment("coat,shoes")]) == {"coat": 1, "left_shoe": 1, "right_shoe": 1}


def test_worn_classes_are_never_taken_off_by_a_rule():
    assert source_of([garment("dress"), garment("pants")])["pants"] == 2


def test_removal_alone():
    assert source_of([], ["coat"]) == {"coat": -1}
    assert source_of([], ["shoes"]) == {"left_shoe": -1, "right_shoe": -1}


def test_rules_can_be_overridden():
    assert source_of([garment("dress")], rules={}) == {"dress": 1}


def test_notes_tell_what_was_not_asked_for():
    owned = [CLASS_IDS["dress"]]
    assert plan_outfit([garment("pants")], owned=owned).notes[0] == "wearing pants takes off the person's dress"
    assert plan_outfit([garment("pants")], owned=[]).notes == ()
    assert "wears no coat" in plan_outfit([], ["coat"], owned=owned).notes[0]


@pytest.mark.parametrize(
    ("owned", "worn", "remove", "places", "advice"),
    [
        ("dress", [], ["dress"], "the chest and the hips and legs", "dress, or upper_clothes and pants or skirt"),
        ("dress", ["upper_clothes"], [], "the hips and legs", "pants or skirt"),
        ("dress", ["pants"], [], "the chest", "upper_clothes"),
        ("dress,coat", ["pants"], [], None, None),  # the coat covers
        ("upper_clothes,pants", [], ["pants"], "the hips and legs", "pants or skirt"),
        ("upper_clothes,pants", [], ["upper_clothes"], "the chest", "upper_clothes"),
        ("upper_clothes,pants", ["skirt"], [], None, None),
        ("upper_clothes,pants", ["dress"], [], None, None),
        ("upper_clothes,coat,pants", [], ["coat"], None, None),
        ("upper_clothes", ["hat"], [], None, None),  # no legs to be seen
        ("pants,hat", [], ["hat"], None, None),
    ],
)
def test_a_body_that_is_bared_is_told(owned, worn, remove, places, advice):
    owned = [CLASS_IDS[name] for name in owned.split(",")]
    notes = plan_outfit([garment(name) for name in worn], remove, owned=owned).notes
    told = [note for note in notes if "bare skin" in note]
    if places is None:
        assert told == []
    else:
        (note,) = told
        assert f"nothing covers {places}:" in note
        assert note.endswith(f"wear also {advice}")


@pytest.mark.parametrize(
    ("garments", "remove", "problem"),
    [
        ([garment("coat")], ["coat"], "coat is to be worn from photo and removed"),
        ([garment("coat", "a"), garment("coat", "b")], [], "coat is to be worn from both a and b"),
        ([garment("coat")] * 9, [], "9 garments given; allowed: up to 8"),
        ([], [], "nothing to do"),
        ([], ["rucksack"], "'rucksack' is unknown"),
        ([], ["face"], "'face' is not a garment"),
    ],
)
def test_contradictions_are_named(garments, remove, problem):
    with pytest.raises(InputError, match=problem):
        plan_outfit(garments, remove)


@settings(deadline=None)
@given(st.lists(st.sampled_from(GARMENTS), unique=True, min_size=1, max_size=8), st.data())
def test_every_wish_is_kept(worn, data):
    rest = [CLASS_NAMES[c] for c in GARMENTS if c not in worn]
    removed = data.draw(st.lists(st.sampled_from(rest), unique=True)) if rest else []
    source = plan_outfit([garment(CLASS_NAMES[c]) for c in worn], removed).source
    assert [source[c] for c in worn] == list(range(1, len(worn) + 1))
    assert all(source[CLASS_IDS[name]] == -1 for name in removed)
    implied = {o for c in worn for o in RULES.get(c, ())} | {CLASS_IDS[name] for name in removed}
    assert all(source[c] == 0 for c in range(20) if c not in worn and c not in implied)


def test_absent_class_lists_what_the_photograph_holds():
    labels = np.full((4, 5), CLASS_IDS["pants"], np.uint8)
    with pytest.raises(InputError, match="shirt: no pixel is labelled coat; its labels hold: pants"):
        Garment(np.zeros((4, 5, 3), np.uint8), labels, "coat", name="shirt")


def test_one_visible_shoe_dresses_both_feet():
    labels = np.full((4, 5), CLASS_IDS["left_shoe"], np.uint8)
    shoes = Garment(np.zeros((4, 5, 3), np.uint8), labels, "shoes")
    assert shoes.classes == (CLASS_IDS["left_shoe"], CLASS_IDS["right_shoe"])
