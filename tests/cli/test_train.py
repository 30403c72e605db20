import shutil

import pytest
from safetensors import safe_open


@pytest.fixture
def data(people, tmp_path):
    return shutil.copytree(people, tmp_path / "data")


def train(run, part, data, checkpoint, *more):
    return run("train", part, data, "-o", checkpoint, "--preset", "tiny", "--batch", 2, "--threads", 1, *more)


@pytest.mark.parametrize("part", ["shape", "appearance"])
def test_trains_names_what_it_skipped_and_goes_on(run, data, tmp_path, part):
    (data / "eva" / "labels.png").write_bytes(b"no picture")
    checkpoint = tmp_path / "checkpoint"
    status, stdout, stderr = train(run, part, data, checkpoint, "--steps", 2)
    assert status == 0, stderr
    assert f"{part}.safetensors: step 2" in stdout
    assert "1 sample could not be used" in stdout
    assert "eva/labels.png" in stderr
    status, stdout, stderr = train(run, part, data, checkpoint, "--steps", 4)
    assert status == 0, stderr
    assert "resuming" in stderr
    with safe_open(checkpoint / f"{part}.safetensors", framework="numpy") as file:
        assert f"oviton train {part}" in file.metadata()["trained"]
        assert "step 4 of 4" in file.metadata()["trained"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--preset", "huge"], "allowed: paper, base, small, tiny"),
        (["--weight", "l9=1"], "l9"),
        (["--device", "tpu"], "allowed"),
        (["--precision", "int8"], "allowed"),
        (["--pairs"], "pairs.csv"),
        (["--init", "nowhere"], "nowhere"),
    ],
)
def test_wrong_options_are_one_line(run, data, tmp_path, arguments, words):
    status, stdout, stderr = run("train", "shape", data, "-o", tmp_path / "made", *arguments)
    assert status == 2
    assert stdout == ""
    assert words in stderr
    assert stderr.count("\n") == 1


def test_an_empty_folder_is_refused(run, tmp_path):
    (tmp_path / "nobody").mkdir()
    status, _, stderr = run("train", "shape", tmp_path / "nobody", "-o", tmp_path / "made")
    assert status == 2
    assert "nobody" in stderr
