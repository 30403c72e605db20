"""Rendered people with the body maps that the person parser sees."""

import csv
import shutil

import numpy as np
import pytest
from PIL import Image

from oviton.prepare.preparer import Preparer
from oviton.training.prepared_people import prepare_people
from oviton.wardrobe.render import WardrobeSettings, render_people


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prepared") / "people"
    render_people(folder, WardrobeSettings(seed=3, height=256, width=128), 4, workers=1)
    return folder


@pytest.fixture(scope="module")
def preparer():
    with Preparer.load() as loaded:
        yield loaded


def pairs(folder):
    with (folder / "pairs.csv").open(newline="", encoding="utf-8") as file:
        return [(row["person"], row["garment"]) for row in csv.DictReader(file)]


def test_only_the_body_map_is_another_and_what_is_there_is_kept(people, preparer, tmp_path):
    assert prepare_people(people, tmp_path, preparer) == {}
    assert pairs(tmp_path) == pairs(people)
    for folder in (path for path in people.iterdir() if path.is_dir()):
        for path in folder.iterdir():
            same = path.read_bytes() == (tmp_path / folder.name / path.name).read_bytes()
            assert same == (path.name != "densepose.png"), path
    kept = tmp_path / folder.name / "mark"
    kept.write_text("mine")
    assert prepare_people(people, tmp_path, preparer) == {}
    assert kept.read_text() == "mine"


def test_whoever_is_not_seen_is_left_out_with_their_pairs(people, preparer, tmp_path):
    copy = shutil.copytree(people, tmp_path / "people")
    gone = pairs(people)[0][0]
    Image.fromarray(np.full((256, 128, 3), 255, np.uint8)).save(copy / gone / "image.png")
    assert list(prepare_people(copy, tmp_path / "seen", preparer)) == [gone]
    assert not (tmp_path / "seen" / gone).exists()
    assert pairs(tmp_path / "seen") == [pair for pair in pairs(people) if gone not in pair]
