import numpy as np
import pytest

from oviton.data.classes import CLASS_IDS, GARMENTS
from oviton.runtime.framed_photo import FramedPhoto
from oviton.runtime.notes import PLACES, company_notes, missing_body_maps, out_of_sight, refinement_notes, scraps
from oviton.runtime.person import Garment, Person
from oviton.runtime.report import RefinementReport


def test_what_is_lost_without_a_body_map_depends_on_what_looks_at_it(people):
    known = Garment.open(people / "ana", wear="upper_clothes")
    unknown = Garment(known.image, known.labels, wear="upper_clothes", name="shirt")
    garments = [known, unknown]
    assert missing_body_maps(garments, "codes", {"garment_labels"}) == []
    looked_at = {"garment_labels", "garment_densepose"}
    assert missing_body_maps(garments, "codes", looked_at) == ["shirt has no body map, so its cut is guessed"]
    (told,) = missing_body_maps(garments, "surface", looked_at)
    assert "only its colours" in told


def test_codes_hold_no_body_map():
    looked_at = {"garment_labels", "garment_densepose"}
    assert missing_body_maps([], "codes", looked_at, codes=["shirt"]) == [
        "shirt is worn as codes, which hold no body map, so its cut is guessed"
    ]
    assert missing_body_maps([], "codes", {"garment_labels"}, codes=["shirt"]) == []


def cut(person, rows):
    """Return part of a person's photograph."""
    return Person(person.image[rows], person.labels[rows], person.densepose[rows], "cut")


@pytest.mark.parametrize(
    ("rows", "worn", "missing"),
    [
        (slice(None), GARMENTS, []),
        (slice(0, 250), ["left_shoe", "right_shoe", "hat"], ["no feet", "left_shoe and right_shoe"]),
        (slice(0, 200), ["pants", "upper_clothes"], ["no legs", "of pants;"]),
        (slice(300, None), ["upper_clothes", "pants"], ["no torso", "of upper_clothes;"]),
        (slice(300, None), ["pants", "socks"], []),
    ],
)
def test_what_is_worn_out_of_sight_is_told(people, rows, worn, missing):
    framed = FramedPhoto.of(cut(Person.open(people / "hugo"), rows), 512, 256)
    found = out_of_sight(framed, [CLASS_IDS.get(name, name) for name in worn])
    assert len(found) == (1 if missing else 0)
    assert all(words in found[0] for words in missing)


def test_without_a_body_map_no_place_is_known():
    person = Person(np.zeros((9, 9, 3), np.uint8), np.full((9, 9), 5, np.uint8), np.zeros((9, 9, 3), np.uint8))
    assert out_of_sight(FramedPhoto.of(person, 64, 32), GARMENTS) == []


def test_every_garment_has_one_place():
    assert sorted(c for place in PLACES for c in place.classes) == sorted(GARMENTS)


def test_scraps_are_told():
    labels = np.zeros((40, 40), np.uint8)
    labels[0, 0], labels[10:18, :8], labels[30, :3] = CLASS_IDS["hat"], CLASS_IDS["pants"], CLASS_IDS["left_shoe"]
    garment = Garment(np.zeros((40, 40, 3), np.uint8), labels, "hat,pants,shoes", name="photos/red")
    hat, shoe = scraps(garment)
    assert hat.startswith("red: only 1 pixel is labelled hat,")
    assert shoe.startswith("red: only 3 pixels are labelled left_shoe,")


def test_company_is_told():
    labels = np.zeros((100, 90), np.uint8)
    labels[10:90, 10:30] = CLASS_IDS["face"]
    image = np.zeros((100, 90, 3), np.uint8)
    assert company_notes(Person(image, np.zeros_like(labels), image, "nobody")) == []
    assert company_notes(Person(image, labels.copy(), image, "ana")) == []
    labels[20:90, 60:75] = CLASS_IDS["face"]
    assert "the one in columns 10 to 29 is dressed" in company_notes(Person(image, labels, image, "both"))[0]


@pytest.mark.parametrize(
    ("accepted", "stopped", "told"),
    [
        (True, "steps", []),
        (True, "not a number", ["stopped after step 7: the loss was no longer a number; the last weights"]),
        (True, "time", ["stopped after step 7: the next one might have exceeded the time budget"]),
        (True, "plateau", ["stopped after step 7: the loss no longer fell"]),
        (False, "steps", ["not refined, this is the feed-forward result: it rose"]),
        (False, "not a number", ["the loss was no longer a number", "not refined, this is the feed-forward result"]),
    ],
)
def test_how_a_refinement_ended(accepted, stopped, told):
    report = RefinementReport(
        accepted=accepted, reason="" if accepted else "it rose", steps=7, seconds=1, stopped=stopped,
        losses_before={}, losses_after={}, texture_before=0, texture_after=0, peak_memory_mb=1,
    )  # fmt: skip
    found = refinement_notes(report)
    assert len(found) == len(told)
    assert all(words in note for words, note in zip(told, found, strict=True))
    assert refinement_notes(None) == []
