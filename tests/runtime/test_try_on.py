"""Whole try-ons with the shipped bundle, on example people and, where there are any, real photographs."""

import json
from pathlib import Path

import numpy as np
import pytest

from oviton import Garment, InputError, Person, TryOn
from oviton.bundle.parity import psnr
from oviton.data.classes import BACKGROUND, CLASS_IDS
from oviton.data.rim import rim_of
from oviton.runtime.report import TryOnReport

REAL_CASES = Path(__file__).resolve().parents[3] / "shared" / "real_cases"
KEPT = [BACKGROUND, CLASS_IDS["hair"], CLASS_IDS["face"]]


@pytest.fixture(scope="module")
def tryon(cache):
    with TryOn.load(cache=cache) as loaded:
        yield loaded


def test_wearing_a_shirt(tryon, people):
    person = Person.open(people / "ana")
    look = tryon(person, [Garment.open(people / "finn", wear="upper_clothes")])
    assert look.image.shape == person.image.shape
    assert look.labels.max() < 20
    torso = person.labels == CLASS_IDS["upper_clothes"]
    colour = look.image[torso].astype(int).mean(axis=0)
    # Even untrained, the colour path paints the garment's mean colour: Finn's shirt is yellow, Ana's black and blue.
    assert colour[0] > colour[2] + 40


def rim_beside(labels, *taken, reach):
    """Pixels beside a garment that is taken off, which show some of it and may change; not those of the head."""
    source = np.zeros(20, np.int32)
    source[[CLASS_IDS[name] for name in taken]] = -1
    return rim_of(labels, source, reach)


def test_face_hair_and_background_stay_the_photographs(tryon, people):
    person = Person.open(people / "ana")
    look = tryon(person, [Garment.open(people / "ben", wear="upper_clothes")])
    stays = (look.labels == person.labels) & np.isin(person.labels, KEPT)
    assert stays.sum() > 0.9 * np.isin(person.labels, KEPT).sum()
    rim = rim_beside(person.labels, "upper_clothes", reach=2)  # two of its pixels are one of the frame
    assert np.array_equal(look.image[stays & ~rim], person.image[stays & ~rim])
    head = np.isin(person.labels, [CLASS_IDS["face"], CLASS_IDS["hair"]])
    assert np.array_equal(look.image[head], person.image[head])


def test_two_garments_from_two_photographs(tryon, people):
    garments = [Garment.open(people / "ben", wear="upper_clothes"), Garment.open(people / "eva", wear="skirt")]
    look = tryon(Person.open(people / "finn"), garments)
    assert look.report.source == {"upper_clothes": 1, "skirt": 2, "dress": -1, "pants": -1}
    assert (look.labels != CLASS_IDS["pants"]).all()
    assert "wearing skirt takes off the person's pants" in look.report.notes


def test_a_dress_removes_top_and_bottom(tryon, people):
    look = tryon(Person.open(people / "ana"), [Garment.open(people / "chloe", wear="dress")])
    present = set(np.unique(look.labels).tolist())
    assert CLASS_IDS["dress"] in present
    assert not present & {CLASS_IDS["upper_clothes"], CLASS_IDS["pants"]}


def test_removing_a_coat(tryon, people):
    person = Person.open(people / "dev")
    look = tryon(person, [], remove=["coat"])
    assert (look.labels != CLASS_IDS["coat"]).all()
    pants = (person.labels == CLASS_IDS["pants"]) & (look.labels == CLASS_IDS["pants"])
    pants &= ~rim_beside(person.labels, "coat", reach=2)
    assert np.array_equal(look.image[pants], person.image[pants])


def test_one_garment_and_one_name_need_no_list(tryon, people):
    person, shirt = Person.open(people / "dev"), Garment.open(people / "ben", wear="upper_clothes")
    assert tryon(person, shirt, "coat").report.source == {"upper_clothes": 1, "dress": -1, "coat": -1}


def test_wear_takes_names_in_a_list_and_arrays_of_any_library(people):
    import torch

    read = Person.open(people / "ana")
    garment = Garment(torch.from_numpy(read.image.copy()), read.labels, ["upper_clothes", "pants"])
    assert garment.classes == (5, 9)
    with pytest.raises(InputError, match="no class to wear"):
        Garment(read.image, read.labels, [])
    assert read == read
    assert len({read, Person.open(people / "ana")}) == 2


def in_a_hall(person, rows=120, left=700, right=300):
    """Return a person in a wide photograph of one colour, and where the old photograph is."""
    sides = ((rows, 0), (left, right), (0, 0))
    image = np.full((person.image.shape[0] + rows, person.image.shape[1] + left + right, 3), 150, np.uint8)
    place = np.s_[rows:, left : left + person.image.shape[1]]
    image[place] = person.image
    wide = Person(image, np.pad(person.labels, sides[:2]), np.pad(person.densepose, sides), "hall")
    return wide, place


def test_a_person_in_a_wide_photograph_looks_as_in_an_upright_one(tryon, people):
    person, shirt = Person.open(people / "hugo"), Garment.open(people / "finn", wear="upper_clothes")
    wide, place = in_a_hall(person)
    upright, look = tryon(person, shirt), tryon(wide, shirt)
    top = CLASS_IDS["upper_clothes"]
    both = ((look.labels[place] == top) & (upright.labels == top)).sum()
    assert both / ((look.labels[place] == top) | (upright.labels == top)).sum() > 0.9
    assert (look.labels == top).sum() == (look.labels[place] == top).sum()
    outside = np.ones(wide.labels.shape, bool)
    outside[place] = False
    assert np.array_equal(look.image[outside], wide.image[outside])
    assert psnr(look.image[place], upright.image) > 25
    in_hall, _ = in_a_hall(Person.open(people / "finn"))
    from_hall = tryon(person, Garment(in_hall.image, in_hall.labels, "upper_clothes", in_hall.densepose))
    assert psnr(from_hall.image, upright.image) > 25


def test_what_is_out_of_sight_is_told(tryon, people):
    whole, shoes = Person.open(people / "hugo"), Garment.open(people / "ana", wear="shoes")
    person = Person(whole.image[:270], whole.labels[:270], whole.densepose[:270])
    notes = tryon(person, shoes).report.notes
    assert any("shows no feet" in note for note in notes)
    assert "nothing changed: the picture is the photograph, pixel for pixel" in notes


def test_requests_do_not_leak_into_each_other(tryon, people):
    person, shirt = Person.open(people / "ana"), Garment.open(people / "ben", wear="upper_clothes")
    first = tryon(person, [shirt])
    tryon(Person.open(people / "eva"), [Garment.open(people / "dev", wear="coat")])
    again = tryon(person, [shirt])
    assert np.array_equal(first.image, again.image)
    assert np.array_equal(first.labels, again.labels)


def test_the_fastest_precision_looks_like_fp32(tryon, cache, people):
    """That engines agree in FP32 is what tests/golden says."""
    requests = [(Person.open(people / "finn"), [Garment.open(people / "ana", wear="upper_clothes,pants")])]
    if REAL_CASES.is_dir():
        garment = Garment.open(REAL_CASES / "case_2" / "person", wear="upper_clothes")
        requests.append((Person.open(REAL_CASES / "case_1" / "person"), [garment]))
    with TryOn.load(engine="onnxruntime", precision="fp32", cache=cache) as reference:
        for request in requests:
            assert psnr(tryon(*request).image, reference(*request).image) >= 40


def test_report_is_whole_and_stable(tryon, people):
    look = tryon(Person.open(people / "ana"), [Garment.open(people / "ben", wear="upper_clothes")])
    values = json.loads(look.report.model_dump_json())
    assert TryOnReport.model_validate(values) == look.report
    assert list(values["stages_ms"]) == [
        "fit", "correspondence", "shape_encoder", "shape_generator", "appearance_encoder", "appearance_generator",
        "compositor", "restore",
    ]  # fmt: skip
    assert values["total_ms"] == pytest.approx(sum(values["stages_ms"].values()), abs=0.01)
    assert 0 < values["changed_share"] < 0.6
    assert values["bundle"]["trained"]


def test_stripes_are_carried_to_another_body(tryon, people):
    """The shipped bundle's surface lookup brings Ana's stripes to Hugo, whose own sweater is plain."""
    person = Person.open(people / "hugo")

    def contrast(image):
        return np.ptp(image[130:195, 85:115].astype(float).mean(axis=(1, 2)))  # of rows, sleeves and hem left out

    striped = tryon(person, [Garment.open(people / "ana", wear="upper_clothes")])
    plain = tryon(person, [Garment(*_without_body_map(people / "ana"), wear="upper_clothes", name="ana")])
    assert contrast(striped.image) > 2 * max(contrast(plain.image), contrast(person.image))
    assert (
        "ana has no body map, so its cut is guessed, and only its colours are carried over, not its pattern"
        in plain.report.notes
    )


def _without_body_map(folder):
    person = Person.open(folder)
    return person.image, person.labels


@pytest.mark.parametrize("size", [(512, 256), (300, 500), (40, 300), (700, 90)])
def test_any_photo_size(tryon, people, size):
    from PIL import Image

    original = Person.open(people / "ana")
    resize = lambda a, r: np.asarray(Image.fromarray(a).resize(size[::-1], r))  # noqa: E731
    nearest = Image.Resampling.NEAREST
    person = Person(
        resize(original.image, Image.Resampling.LANCZOS),
        resize(original.labels, nearest),
        resize(original.densepose, nearest),
    )
    look = tryon(person, [Garment.open(people / "ben", wear="upper_clothes")])
    assert look.image.shape == (*size, 3)
    rim = rim_beside(person.labels, "upper_clothes", reach=max(1, -(-size[0] // 256), -(-size[1] // 128)))
    taken = [CLASS_IDS["upper_clothes"], CLASS_IDS["dress"]]
    kept = (look.labels == person.labels) & ~np.isin(person.labels, taken) & ~rim
    assert np.array_equal(look.image[kept], person.image[kept])


def test_a_person_without_a_body_map_is_refused(person_copy):
    (person_copy / "densepose.png").unlink()
    with pytest.raises(InputError, match="a person needs a body map"):
        Person.open(person_copy)


@pytest.mark.skipif(not REAL_CASES.is_dir(), reason="no real photographs beside this checkout")
@pytest.mark.parametrize("case", ["case_1", "case_2", "case_3"])
def test_real_photographs(tryon, case):
    person = Person.open(REAL_CASES / case / "person")
    look = tryon(person, [Garment.open(REAL_CASES / case / "garment", wear="upper_clothes")])
    assert look.image.shape == (512, 256, 3)
    head = np.isin(person.labels, [CLASS_IDS["face"], CLASS_IDS["hair"]])
    assert np.array_equal(look.image[head], person.image[head])
    stays = (look.labels == person.labels) & (person.labels != CLASS_IDS["upper_clothes"])
    stays &= ~rim_beside(person.labels, "upper_clothes", "dress", reach=2)
    assert np.array_equal(look.image[stays], person.image[stays])
