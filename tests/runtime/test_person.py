import numpy as np
import pytest
from PIL import Image

from oviton.data.classes import CLASS_IDS
from oviton.data.errors import InputError
from oviton.data.label_colours import LABEL_COLOURS
from oviton.runtime.person import Garment, Person


def garment(wear, *present):
    labels = np.zeros((4, 20), np.uint8)
    for column, name in enumerate(present):
        labels[:, column] = CLASS_IDS[name]
    return Garment(np.zeros((4, 20, 3), np.uint8), labels, wear)


@pytest.mark.parametrize(
    ("wear", "present", "taken"),
    [
        ("bottoms", ["pants"], ["pants"]),
        ("bottoms", ["skirt"], ["skirt"]),
        ("Bottoms", ["pants", "skirt"], ["pants", "skirt"]),
        ("tops", ["upper_clothes", "coat"], ["upper_clothes"]),
        ("shoes", ["left_shoe"], ["left_shoe", "right_shoe"]),
        ("left shoe", ["left_shoe", "right_shoe"], ["left_shoe"]),
        ("trousers,T-Shirt", ["pants", "upper_clothes"], ["pants", "upper_clothes"]),
    ],
)
def test_what_a_photograph_shows_of_a_name_is_worn(wear, present, taken):
    assert garment(wear, *present).classes == tuple(CLASS_IDS[name] for name in taken)


def test_a_name_of_which_nothing_shows_is_told_by_its_classes():
    with pytest.raises(InputError, match="no pixel is labelled pants or skirt; its labels hold: background, coat"):
        garment("bottoms", "coat")


def test_folders_are_checked_when_they_are_opened(person_copy):
    assert Person.open(person_copy).notes == ()
    body = np.zeros_like(Person.open(person_copy).densepose)
    Image.fromarray(body).save(person_copy / "densepose.png")
    with pytest.raises(InputError, match="ana: the body map is empty"):
        Person.open(person_copy)
    shirt = Garment.open(person_copy, "tops")
    assert shirt.densepose is None
    assert shirt.notes == ("ana: the body map is empty; run DensePose on this photograph; it is left out",)


def test_notes_of_reading_are_kept(person_copy):
    labels = Person.open(person_copy).labels
    Image.fromarray(LABEL_COLOURS["SCHP"][labels]).save(person_copy / "labels.png")
    person = Person.open(person_copy)
    assert person.notes == ("ana/labels.png: classes are read by SCHP's colours",)
    assert np.array_equal(person.labels, labels)


def test_the_report_tells_notes_once(run, people, person_copy, out):
    body = np.zeros((512, 256, 3), np.uint8)
    Image.fromarray(body).save(person_copy / "densepose.png")
    worn = [f"upper_clothes={person_copy}", f"pants={person_copy}"]
    status, stdout, _ = run(
        "try-on", people / "hugo", "--wear", worn[0], "--wear", worn[1], "-o", out / "a.png", "--engine", "onnxruntime"
    )
    assert status == 0
    assert stdout.count("note: ana: the body map is empty") == 1
