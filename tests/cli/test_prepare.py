"""Plain photographs on the command line: prepared into folders, and worn at once."""

import shutil

import numpy as np
import pytest
from PIL import Image

from oviton.data.person_folder import read_person_folder


@pytest.fixture
def pictures(people, tmp_path):
    """Photographs of three people, and a file that is none."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name in ("ana", "ben", "hugo"):
        shutil.copy(people / name / "image.png", folder / f"{name}.png")
    (folder / "broken.jpg").write_bytes(b"no picture")
    return folder


def test_a_folder_of_photographs_becomes_person_folders(run, people, pictures, out):
    status, stdout, stderr = run("prepare", pictures, "-o", out / "people", "--engine", "onnxruntime")
    assert status == 2
    assert "3 of 4 photographs prepared" in stdout
    assert stderr.count("broken.jpg: not a picture") == 2  # when it is met, and at the end
    for name in ("ana", "ben", "hugo"):
        seen, truth = read_person_folder(out / "people" / name), read_person_folder(people / name)
        assert np.array_equal(seen.image, truth.image)
        both, either = ((seen.labels > 0) & (truth.labels > 0)).sum(), ((seen.labels > 0) | (truth.labels > 0)).sum()
        assert both / either > 0.9
        body = truth.densepose[..., 0] > 0
        assert (seen.densepose[..., 0] == truth.densepose[..., 0])[body].mean() > 0.7
    with Image.open(out / "people" / "contact_sheet.png") as sheet:
        assert sheet.width > 3 * 192


def test_what_is_there_is_kept(run, pictures, out):
    (pictures / "broken.jpg").unlink()
    assert run("prepare", pictures / "ana.png", "-o", out, "--engine", "onnxruntime")[0] == 0
    labels = out / "ana" / "labels.png"
    before = labels.stat().st_mtime_ns
    status, stdout, _ = run("prepare", pictures, "-o", out, "--engine", "onnxruntime")
    assert status == 0
    assert "3 of 3 photographs prepared, 1 of them there before" in stdout
    assert labels.stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["none.jpg", "-o", "people"], "none.jpg: no such file"),
        (["ana.png", "-o", "people", "--person", "middle"], "--person 'middle': allowed: largest, left, right"),
        (["ana.png", "-o", "ben.png"], "a file of that name exists"),
    ],
)
def test_what_cannot_be_is_told_at_once(run, pictures, monkeypatch, arguments, words):
    monkeypatch.chdir(pictures)
    status, _, stderr = run("prepare", *arguments)
    assert status == 2
    assert words in stderr
    assert not (pictures / "people").exists()


def test_two_photographs_make_a_look(run, people, pictures, out, read_picture):
    look = out / "look.png"
    status, _, stderr = run(
        "try-on", pictures / "hugo.png", "--wear", f"upper_clothes={pictures / 'ana.png'}", "-o", look,
        "--labels-out", out / "labels.png", "--engine", "onnxruntime",
    )  # fmt: skip
    assert status == 0, stderr
    person = read_person_folder(people / "hugo")
    changed = (read_picture(look) != person.image).any(axis=2)
    assert changed[person.labels == 5].mean() > 0.8  # another top
    assert changed[person.labels == 0].mean() < 0.1


def test_a_photograph_without_the_garment_is_refused(run, pictures, out):
    status, _, stderr = run(
        "try-on", pictures / "hugo.png", "--wear", f"scarf={pictures / 'ben.png'}", "-o", out / "look.png"
    )
    assert status == 2
    assert "no pixel is labelled scarf; its labels hold:" in stderr
    assert not (out / "look.png").exists()
