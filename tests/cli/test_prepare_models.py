"""`oviton prepare` with models that users bring."""

import numpy as np
import pytest
from PIL import Image

from oviton.data.classes import CLASS_IDS
from oviton.data.person_folder import read_person_folder
from oviton.prepare.preparer import Preparer

from adapter_models import save_parser
from coloured_people import paint, person, read_colours


@pytest.fixture
def photographs(tmp_path):
    image = paint(*(np.pad(each, 20) for each in person(200, 70)))
    for name in ("one", "two"):
        Image.fromarray(image).save(tmp_path / f"{name}.png")
    return [tmp_path / "one.png", tmp_path / "two.png"]


@pytest.fixture(autouse=True)
def coloured(monkeypatch):
    """The bundle sees coloured people."""

    def load(*_, parser=None, body_map=None, **__):
        return Preparer(read_colours, (96, 64), lambda: None, other_parser=parser, other_body_map=body_map)

    monkeypatch.setattr(Preparer, "load", load)


def test_a_parser_of_the_users_own_draws_the_labels(run, tmp_path, photographs):
    weights = {"logits_weights": np.zeros((18, 3, 1, 1), np.float32), "logits_bias": np.eye(18, dtype=np.float32)[7]}
    model = save_parser(tmp_path / "model.onnx", (512, 512), weights)  # everything is a dress
    status, stdout, stderr = run("prepare", *photographs, "-o", tmp_path / "people", "--parser", f"schp-atr={model}")
    assert status == 0
    assert stderr.count("note: ATR has no coat") == 1  # of two photographs
    assert stdout.endswith("people: 2 of 2 photographs prepared\n")
    found = read_person_folder(tmp_path / "people" / "two")
    assert set(np.unique(found.labels)) <= {0, CLASS_IDS["dress"]}


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--parser", "schp=m.onnx"], "parser 'schp=m.onnx': allowed: NAME=FILE, NAME one of schp-lip, schp-atr, seg"),
        (["--body-map", "bodypix"], "body map 'bodypix': allowed: NAME=FILE, NAME one of densepose, bodypix"),
        (["--body-map", "bodypix=none.onnx"], "none.onnx: no such file; bodypix takes an ONNX file"),
    ],
)
def test_unknown_models_are_refused(run, tmp_path, photographs, arguments, problem):
    status, _, stderr = run("prepare", *photographs, "-o", tmp_path / "people", *arguments)
    assert status == 2
    assert problem in stderr
    assert not (tmp_path / "people").exists()
