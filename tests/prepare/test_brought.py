"""Labels and body maps of the chosen person by models that users bring."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from oviton.data.body_parts import LEFT_HAND
from oviton.data.classes import CLASS_IDS
from oviton.data.conventions import CONVENTIONS
from oviton.data.errors import InputError
from oviton.prepare import preparer
from oviton.prepare.adapters.table import open_parser
from oviton.prepare.brought import Scene
from oviton.prepare.looks import look
from oviton.prepare.place import Place
from oviton.prepare.preparer import Preparer

from adapter_models import save_parser
from coloured_people import LABELS, paint, person, read_colours

ATR = {5: "skirt", 9: "left_shoe", 13: "right_leg"}
"""What the ids that `person` paints mean in ATR."""

MEAN, DEVIATION = np.array([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]]) * 255


class LeftHands:
    """Sees a left hand wherever a body is, the chosen person's or not."""

    path, size = Path("hands.onnx"), (90, 60)

    def __call__(self, crop, box):
        body = (crop[..., 2] > 120)[..., None]
        self.box, self.body = box, np.argwhere(body[..., 0])
        return np.where(body, np.uint8((LEFT_HAND, 10, 20)), np.uint8(0))


def reading_colours(path, size, order, ids):
    """Write a parser that reads red levels as ids of its own: the level whose middle is nearest, where blue is high."""
    middles = np.arange(ids) * LABELS + LABELS // 2
    weights, bias = np.zeros((ids, 3)), -(middles.astype(float) ** 2)
    weights[:, 0] = 2 * middles  # -(red - middle)² but for red², which all share
    weights[0], bias[0] = (0, 0, -1000), 120_000
    bias += weights @ MEAN
    weights = (weights * DEVIATION)[:, order]
    named = {"logits_weights": weights.reshape(ids, 3, 1, 1), "logits_bias": bias}
    return save_parser(path, size, {name: value.astype(np.float32) for name, value in named.items()}, stride=1)


@pytest.fixture
def atr(tmp_path):
    return open_parser(f"schp-atr={reading_colours(tmp_path / 'atr.onnx', (512, 512), [2, 1, 0], 18)}")


@pytest.fixture
def fashn(tmp_path):
    return open_parser(f"fashn={reading_colours(tmp_path / 'fashn.onnx', (576, 384), [0, 1, 2], 18)}")


class Recorder:
    """A parser that remembers what it saw and draws a top everywhere."""

    path, size, border, convention = Path("top.onnx"), (50, 50), (1, 2, 3), CONVENTIONS["cihp"]

    def __call__(self, crop):
        self.crop = crop
        return np.full(self.size, CLASS_IDS["upper_clothes"], np.uint8)


def preparer_with(**models):
    return Preparer(read_colours, (96, 64), lambda: None, **models)


def agreement(found, truth):
    return ((found > 0) & (found == truth)).sum() / ((found > 0) | (truth > 0)).sum()


@pytest.mark.parametrize(("who", "which"), [("left", 0), ("right", 1)])
def test_another_parsers_classes_lie_where_the_person_is_and_nowhere_else(two_people, atr, who, which):
    image, labels, _, people = two_people
    expected = np.zeros_like(labels)
    for old, name in ATR.items():
        expected[people[which]][labels[people[which]] == old] = CLASS_IDS[name]
    if which:
        expected[people[1]][labels[people[1]] == 7] = CLASS_IDS["dress"]
    prepared = preparer_with(other_parser=atr)(image, who)
    assert agreement(prepared.labels, expected) > 0.95  # sharper than our own, which sees a 96x64 crop
    assert not prepared.labels[people[1 - which]].any()
    plain = preparer_with()(image, who)
    assert np.array_equal(prepared.densepose, plain.densepose)
    assert prepared.box == plain.box
    assert [note[:11] for note in prepared.notes] == ["ATR has no "]


def test_a_parser_sees_its_own_border_beyond_the_photograph():
    recorder = Recorder()
    prepared = preparer_with(other_parser=recorder)(paint(*person(200, 70)))
    assert recorder.crop.shape == (50, 50, 3)
    assert (recorder.crop[:, :8] == recorder.border).all()  # 240 pixels wide, of which the photograph is 70
    assert (prepared.labels == CLASS_IDS["upper_clothes"]).all()  # nobody else is there


def test_another_body_map_is_seen_first_and_tells_left_from_right(two_people, fashn):
    image = paint(*(np.pad(each, 20) for each in person(200, 70, clothes=12, part=3)))  # 12: arms; 3: the right hand
    arms = (slice(20 + 50, 20 + 140), slice(25, 85))
    plain = preparer_with(other_parser=fashn)(image).labels[arms]
    assert (plain == CLASS_IDS["right_arm"]).mean() > 0.95
    hands = LeftHands()
    prepared = preparer_with(other_parser=fashn, other_body_map=hands)(image)
    assert (prepared.labels[arms] == CLASS_IDS["left_arm"]).mean() > 0.95
    assert np.array_equal(prepared.densepose[100, 50], (LEFT_HAND, 10, 20))
    rows, columns = hands.body.T
    assert hands.box == pytest.approx((columns.min(), rows.min(), columns.max() + 1, rows.max() + 1), abs=3)


def test_another_body_map_shows_the_chosen_person_alone(two_people):
    image, labels, _, people = two_people
    prepared = preparer_with(other_body_map=LeftHands())(image, "left")
    truth = np.zeros_like(labels)
    truth[people[0]] = LEFT_HAND
    assert agreement(prepared.densepose[..., 0], truth) > 0.9
    assert not prepared.densepose[people[1]].any()
    assert np.array_equal(prepared.labels, preparer_with()(image, "left").labels)


def test_a_scene_knows_where_others_are():
    labels, parts = np.zeros((300, 400), np.uint8), np.zeros((300, 400), np.uint8)
    for rows, columns in ((slice(40, 280), slice(60, 140)), (slice(100, 250), slice(166, 226))):
        labels[rows, columns], parts[rows, columns] = person(rows.stop - rows.start, columns.stop - columns.start)
    image, box = paint(labels, parts), (60.0, 40.0, 140.0, 280.0)
    scene = Scene.of(image, box, look(image, box, read_colours, (96, 64)), "")
    expected = np.zeros((300, 400), bool)
    expected[100:250, 166:196] = True  # the look ends there
    assert agreement(scene.others, expected) > 0.75  # of pixels twelve times as coarse
    assert not scene.others[40:280, 60:140].any()


def test_who_touches_the_person_is_not_labelled():
    labels, others = np.zeros((60, 80), np.uint8), np.zeros((60, 80), np.uint8)
    labels[10:50, 10:38] = 5
    others[12:48, 44:64] = 1
    labels[20:30, 50:60] = 5  # strays
    scene = Scene(
        np.zeros((60, 80, 3), np.uint8), (10, 10, 40, 50), labels, np.zeros((60, 80, 3), np.uint8), others, ""
    )
    drawn = np.zeros((60, 80), bool)
    drawn[5:50, 8:66] = True  # both, and the gap between them
    drawn[55:58, 10:20] = True  # something that touches nobody
    own = scene.own(Place(1, 0, 0, 0, 1, 0), drawn)
    assert own[5:50, 8:38].all()  # what our own parser missed around the person
    assert not own[:, 44:].any()
    assert not own[55:].any()


def test_a_model_that_does_not_see_the_person_is_refused(two_people, tmp_path):
    image = two_people[0]
    blind = {"logits_weights": np.zeros((18, 3, 1, 1), np.float32), "logits_bias": np.eye(18, dtype=np.float32)[0]}
    parser = open_parser(f"schp-atr={save_parser(tmp_path / 'blind.onnx', (512, 512), blind)}")
    problem = r"street.jpg: .*blind.onnx sees nobody where our own parser sees the person, at \d+,\d+,\d+,\d+; prepare"
    with pytest.raises(InputError, match=problem):
        preparer_with(other_parser=parser)(image, "left", "street.jpg")

    class Blind(LeftHands):
        def __call__(self, crop, box):
            return np.zeros_like(crop)

    with pytest.raises(InputError, match=r"hands.onnx sees nobody"):
        preparer_with(other_body_map=Blind())(image, "left", "street.jpg")


def test_a_loaded_preparer_hands_the_person_to_both(monkeypatch, two_people, fashn):
    manifest = SimpleNamespace(family="prepare", height=96, width=64)
    monkeypatch.setattr(preparer.Bundle, "open", lambda path: SimpleNamespace(path=path, manifest=manifest))

    def run(values):
        seen = read_colours(values["person_image"][0])
        return {name: array[None] for name, array in zip(("labels", "densepose", "people"), seen, strict=True)}

    engines = SimpleNamespace(run=run, close=lambda: None)
    monkeypatch.setattr(preparer.EngineSet, "load", lambda *_, **__: engines)
    expected = preparer_with(other_parser=fashn, other_body_map=LeftHands())(two_people[0])
    with Preparer.load(parser=fashn, body_map=LeftHands()) as loaded:
        found = loaded(two_people[0])
    assert np.array_equal(found.labels, expected.labels)
    assert np.array_equal(found.densepose, expected.densepose)
