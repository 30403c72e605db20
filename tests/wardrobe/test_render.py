import csv
import filecmp
import json
from dataclasses import replace

import numpy as np
import pytest

from oviton.data.classes import CLASS_IDS
from oviton.data.errors import InputError
from oviton.data.images import read_labels
from oviton.data.person_folder import read_person_folder
from oviton.wardrobe.render import WardrobeSettings, before, parse_size, person_in_outfit, render_people
from oviton.wardrobe.triplets import render_triplets

SETTINGS = WardrobeSettings(seed=5, height=64, width=32)


@pytest.fixture(scope="module")
def wardrobe(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wardrobe") / "people"
    render_people(folder, SETTINGS, 6, workers=1)
    return folder


def same_files(a, b):
    names = sorted(str(p.relative_to(a)) for p in a.rglob("*") if p.is_file())
    assert names == sorted(str(p.relative_to(b)) for p in b.rglob("*") if p.is_file())
    equal, differing, failed = filecmp.cmpfiles(a, b, names, shallow=False)
    return not differing and not failed and len(equal) == len(names)


def test_writes_person_folders(wardrobe):
    folders = sorted(p for p in wardrobe.iterdir() if p.is_dir())
    assert len(folders) == 6
    for folder in folders:
        person = read_person_folder(folder)
        assert person.image.shape == (64, 32, 3)
        assert len(np.unique(person.labels)) >= 4
        assert person.densepose is not None
        on_body = person.densepose[..., 0] > 0
        dressed = person.labels > 0
        assert on_body.mean() > 0.05
        # Clothes and hair reach beyond the body, but hardly any body is left unlabelled.
        assert (on_body & ~dressed).sum() < 0.02 * on_body.sum()


def test_pairs_wear_one_outfit_and_name_what_changed(wardrobe):
    rows = list(csv.DictReader((wardrobe / "pairs.csv").read_text().splitlines()))
    assert [(r["person"], r["garment"]) for r in rows[:2]] == [("000000", "000001"), ("000001", "000000")]
    for index, row in enumerate(rows):
        now = read_person_folder(wardrobe / row["person"]).labels
        was = read_labels(wardrobe / row["before"])
        _, changed = before(SETTINGS, index)
        assert row["classes"] == "+".join(changed)
        face = CLASS_IDS["face"]
        assert ((now == face) == (was == face)).mean() > 0.99
        assert person_in_outfit(SETTINGS, index)[1] == person_in_outfit(SETTINGS, index ^ 1)[1]


def test_same_seed_same_files_in_any_number_of_processes(wardrobe, tmp_path):
    render_people(tmp_path / "again", SETTINGS, 6, workers=2)
    assert same_files(wardrobe, tmp_path / "again")


def test_an_interrupted_run_goes_on(wardrobe, tmp_path):
    folder = tmp_path / "parts"
    assert render_people(folder, SETTINGS, 3, workers=1) == 3
    assert render_people(folder, SETTINGS, 6, workers=1) == 3
    assert render_people(folder, SETTINGS, 6, workers=1) == 0
    assert same_files(wardrobe, folder)


def test_another_seed_gives_other_people(wardrobe, tmp_path):
    render_people(tmp_path / "other", replace(SETTINGS, seed=6), 1, workers=1)
    assert not filecmp.cmp(wardrobe / "000000/image.png", tmp_path / "other/000000/image.png", shallow=False)


def test_a_wardrobe_of_other_settings_is_refused(wardrobe):
    with pytest.raises(InputError, match="seed 5, not 9"):
        render_people(wardrobe, replace(SETTINGS, seed=9), 6, workers=1)


def test_triplets_do_not_mix_with_people(wardrobe):
    with pytest.raises(InputError, match="kind 'people', not 'triplets'"):
        render_triplets(wardrobe, SETTINGS, 9, workers=1)


def test_a_folder_of_something_else_is_refused(tmp_path):
    (tmp_path / "letters").write_text("dear")
    with pytest.raises(InputError, match="something else"):
        render_people(tmp_path, SETTINGS, 1, workers=1)
    assert [p.name for p in tmp_path.iterdir()] == ["letters"]


def test_a_damaged_settings_file_is_named(tmp_path):
    (tmp_path / "wardrobe.json").write_text("{")
    with pytest.raises(InputError, match=r"wardrobe\.json"):
        render_people(tmp_path, SETTINGS, 1, workers=1)


def test_settings_are_written_without_paths(wardrobe):
    assert json.loads((wardrobe / "wardrobe.json").read_text()) == {
        "kind": "people",
        "seed": 5,
        "height": 64,
        "width": 32,
        "makehuman": "",
        "schema": 1,
    }


@pytest.mark.parametrize("text", ["256", "axb", "0x8", "256x", "9999x9999"])
def test_wrong_sizes_are_refused(text):
    with pytest.raises(InputError, match="size"):
        parse_size(text)


def test_size_is_height_first():
    assert parse_size("256x128") == (256, 128)
