import json

import pytest


def test_renders_people_and_says_what(run, tmp_path):
    folder = tmp_path / "people"
    status, stdout, _ = run("render", "-n", 2, "--size", "64x32", "--seed", 4, "-o", folder, "--workers", 1)
    assert status == 0
    assert stdout == f"{folder}: 2 people, 2 of them new, 64x32, seed 4\n"
    assert sorted(p.name for p in folder.iterdir()) == ["000000", "000001", "pairs.csv", "wardrobe.json"]
    _, again, _ = run("render", "-n", 2, "--size", "64x32", "--seed", 4, "-o", folder, "--workers", 1)
    assert "2 people, 0 of them new" in again


def test_renders_triplets(run, tmp_path):
    folder = tmp_path / "triplets"
    status, stdout, _ = run("render", "--triplets", "-n", 9, "--size", "64x32", "-o", folder, "--workers", 1)
    assert status == 0
    assert "upper 1, lower 1, dress 1, two 1, hard 1" in stdout
    assert json.loads((folder / "triplets.json").read_text())["splits"]["hard"] == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--size", "256"], "HEIGHTxWIDTH"),
        (["--size", "1x1"], "32 to 2048"),
        (["--triplets", "-n", "3"], "at least 9 triplets"),
        (["--makehuman-assets", "nowhere"], "no such folder"),
        (["-n", "0"], "greater than or equal to 1"),
    ],
)
def test_wrong_options_are_one_line_and_no_folder(run, tmp_path, arguments, words):
    status, stdout, stderr = run("render", "-o", tmp_path / "made", *arguments)
    assert status == 2
    assert stdout == ""
    assert words in stderr
    assert not (tmp_path / "made").exists()
