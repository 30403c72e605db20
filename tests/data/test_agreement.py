"""Good data passes, however it is cropped and scaled; each usual mistake is told for what it is."""

import numpy as np
import pytest
from PIL import Image

from oviton.data.agreement import check_garment, check_person, find_doubt
from oviton.data.classes import CLASS_IDS
from oviton.data.errors import InputError
from oviton.data.person_folder import read_person_folder

NAMES = ("ana", "ben", "chloe", "dev", "eva", "finn", "gia", "hugo")


@pytest.fixture
def read(people):
    def read(name):
        person = read_person_folder(people / name)
        return person.labels, person.densepose

    return read


@pytest.fixture
def hugo(read):
    return read("hugo")


def resized(array, size, how=Image.Resampling.NEAREST):
    return np.array(Image.fromarray(array).resize(size, how))


def in_a_landscape(array):
    return np.pad(array, [(100, 20), (500, 300), *[(0, 0)] * (array.ndim - 2)])


GOOD = {
    "as it is": lambda array: array,
    "upper half": lambda array: array[:256],
    "lower half": lambda array: array[256:],
    "head": lambda array: array[:110],
    "left half": lambda array: array[:, :128],
    "an eighth of the size": lambda array: array[::8, ::8],
    "four times the size": lambda array: array.repeat(4, 0).repeat(4, 1),
    "another size": lambda array: resized(array, (350, 701)),
    "turned": np.rot90,
    "in a landscape": in_a_landscape,
}


@pytest.mark.parametrize("seen", GOOD)
@pytest.mark.parametrize("name", NAMES)
def test_good_people_pass(read, name, seen):
    labels, body = (GOOD[seen](array) for array in read(name))
    assert find_doubt(labels, body) is None


def test_bystanders_pass(read):
    labels, body = read("ana")
    other_labels, other_body = read("ben")
    assert find_doubt(np.hstack([labels, other_labels]), np.hstack([body, other_body])) is None
    assert find_doubt(np.hstack([labels, other_labels * 0]), np.hstack([body, other_body])) is None


def coded(labels, **renamed):
    """Return labels with other ids, by class; all else is background."""
    table = np.zeros(20, np.uint8)
    for name, other in renamed.items():
        table[CLASS_IDS[name]] = other
    return table[labels]


ATR = {"hat": 1, "hair": 2, "upper_clothes": 4, "pants": 6, "torso_skin": 11, "face": 11, "left_arm": 14} | {
    "right_arm": 15, "left_shoe": 9, "right_shoe": 10,
}  # fmt: skip
C14 = {"hat": 1, "hair": 1, "upper_clothes": 4, "pants": 8, "torso_skin": 12, "face": 12, "left_arm": 11} | {
    "right_arm": 13, "left_shoe": 5, "right_shoe": 6,
}  # fmt: skip
FASHN = {"hat": 9, "hair": 2, "upper_clothes": 3, "pants": 6, "torso_skin": 16, "face": 1, "left_arm": 12} | {
    "right_arm": 12, "left_shoe": 15, "right_shoe": 15,
}  # fmt: skip


@pytest.mark.parametrize(("name", "ids"), [("atr", ATR), ("c14", C14), ("fashn", FASHN)])
def test_ids_of_another_parser_are_refused_by_name(hugo, name, ids):
    labels, body = hugo
    with pytest.raises(InputError, match=f"hugo: .* look like {name}: .* --labels-from {name} "):
        check_person(coded(labels, **ids), body, "hugo")


@pytest.mark.parametrize("ids", [ATR, C14])
def test_they_are_refused_without_a_body_map_too(hugo, ids):
    with pytest.raises(InputError, match="much of the figure sunglasses; they look like atr or c14"):
        check_garment(coded(hugo[0], **ids), None, "hugo")


def test_a_jumpsuit_of_lip_is_told(hugo):
    labels, body = hugo
    suit = np.where(np.isin(labels, [CLASS_IDS["upper_clothes"], CLASS_IDS["pants"]]), 10, labels).astype(np.uint8)
    with pytest.raises(InputError, match="look like lip"):
        check_person(suit, body, "hugo")


def test_a_pair_of_sunglasses_and_a_hat_may_lie_on_a_table():
    labels = np.zeros((64, 64), np.uint8)
    labels[10:50, 10:50] = CLASS_IDS["sunglasses"]
    assert check_garment(labels, None, "shades") == (None, ())
    labels[50:60, 10:50] = CLASS_IDS["face"]
    with pytest.raises(InputError, match="sunglasses"):
        check_garment(labels, None, "shades")


def test_trousers_alone_may_be_a_photograph_of_legs(hugo):
    labels, body = (array[300:400] for array in hugo)
    assert find_doubt(np.where(labels == CLASS_IDS["pants"], labels, 0).astype(np.uint8), body) is None


def test_a_mask_is_no_person_but_may_be_a_garment(hugo):
    labels, body = hugo
    with pytest.raises(InputError, match=r"hugo: its labels hold one class only \(hat\), like a mask"):
        check_person((labels > 0).astype(np.uint8), body, "hugo")
    assert check_garment((labels > 0).astype(np.uint8), None, "hugo") == (None, ())


@pytest.mark.parametrize("scale", [0.5, 0.75, 2, 4])
@pytest.mark.parametrize("how", [Image.Resampling.BILINEAR, Image.Resampling.LANCZOS])
def test_filtered_maps_are_refused(hugo, scale, how):
    labels, body = hugo
    small = resized(body, (round(256 / scale), round(512 / scale)))
    filtered = np.minimum(resized(small, (256, 512), how), [24, 255, 255]).astype(np.uint8)
    with pytest.raises(InputError, match="between parts along all borders; resize it by nearest"):
        check_person(labels, filtered, "hugo")
    small = resized(labels, (round(256 / scale), round(512 / scale)))
    filtered = np.minimum(resized(small, (256, 512), how), 19)
    with pytest.raises(InputError, match="between classes along all borders; resize labels by nearest"):
        check_person(filtered, body, "hugo")


def test_classes_that_count_up_are_not_mixed(hugo):
    labels = hugo[0][:110]
    hat_and_hair = labels * (labels < 3)
    assert np.unique(hat_and_hair).tolist() == [0, 1, 2]
    assert check_garment(hat_and_hair, None, "hugo") == (None, ())


@pytest.mark.parametrize("channel", [1, 2])
@pytest.mark.parametrize("value", [0, 128])
def test_constant_coordinates_are_refused(hugo, channel, value):
    labels, body = hugo[0], hugo[1].copy()
    body[..., channel] = value
    with pytest.raises(InputError, match=f"hugo: {' UV'[channel]} of the body map is {value} to {value} everywhere"):
        check_person(labels, body, "hugo")


def test_an_empty_map_is_refused_for_a_person_and_left_out_of_a_garment(hugo):
    labels, body = hugo
    with pytest.raises(InputError, match="photos/hugo: the body map is empty; run DensePose"):
        check_person(labels, body * 0, "photos/hugo")
    left, notes = check_garment(labels, body * 0, "photos/hugo")
    assert left is None
    assert notes == ("hugo: the body map is empty; run DensePose on this photograph; it is left out",)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("turn", "told"), [(np.s_[:, ::-1], "mirrored"), (np.s_[::-1, ::-1], "upside down")])
def test_turned_maps_are_told(read, name, turn, told):
    labels, body = (np.pad(array, [(0, 0), (0, 60), *[(0, 0)] * (array.ndim - 2)]) for array in read(name))
    with pytest.raises(InputError, match=f"the body map lies {told}"):
        check_person(labels, body[turn], name)


def test_exchanged_sides_are_noted(hugo):
    labels, body = hugo
    swapped = coded(labels, **{n: i for n, i in CLASS_IDS.items() if not n.startswith(("left", "right"))})
    for left, right in ((14, 15), (16, 17), (18, 19)):
        swapped[labels == left], swapped[labels == right] = right, left
    (note,) = check_person(swapped, body, "photos/hugo")
    assert note.startswith("hugo: left and right of its labels and its body map are exchanged")
    swapped[np.isin(labels, (18, 19))] = labels[np.isin(labels, (18, 19))]  # crossed arms alone are no mistake
    assert check_person(swapped, body, "hugo") == ()


def test_a_map_of_a_smaller_crop_is_noted(hugo):
    labels, body = hugo
    smaller = np.zeros_like(body)
    smaller[:307, :154] = resized(body, (154, 307))
    (note,) = check_person(labels, smaller, "hugo")
    assert "stretched or shifted" in note


def test_a_map_beside_the_figure_is_noted(hugo):
    labels, body = hugo
    assert "does not lie on the figure" in check_person(labels, np.roll(body, (70, 60), (0, 1)), "hugo")[0]
    kept, notes = check_garment(labels, np.roll(body, (70, 60), (0, 1)), "hugo")
    assert kept is not None
    assert len(notes) == 1


def test_a_handful_of_pixels_concludes_nothing():
    labels, body = np.zeros((20, 20), np.uint8), np.zeros((20, 20, 3), np.uint8)
    labels[:5, :5] = CLASS_IDS["sunglasses"]
    labels[5:8, :5] = CLASS_IDS["face"]
    body[10:, 10:] = 7
    assert find_doubt(labels, body) is None
