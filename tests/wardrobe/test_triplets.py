import json

import numpy as np
import pytest

from oviton.data.classes import CLASS_IDS
from oviton.data.errors import InputError
from oviton.data.person_folder import read_person_folder
from oviton.wardrobe import triplets
from oviton.wardrobe.body import HELD_OUT_BODIES, body_model
from oviton.wardrobe.fabric import HARD_KINDS_BELOW
from oviton.wardrobe.render import WardrobeSettings
from oviton.wardrobe.triplets import SHARES, render_triplets, sample_triplet, spread

SETTINGS = WardrobeSettings(seed=11, height=128, width=64)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("triplets") / "set"
    render_triplets(folder, SETTINGS, 5, workers=1)
    return folder


def test_every_split_has_whole_cases(folder):
    index = json.loads((folder / "triplets.json").read_text())
    assert index == {"schema": 1, "splits": dict.fromkeys(SHARES, 1)}
    for split in SHARES:
        case = folder / split / "0000"
        about = json.loads((case / "triplet.json").read_text())
        assert sorted(about["wear"]) == ["garment_1", "garment_2"][: 2 if split == "two" else 1]
        for name, classes in about["wear"].items():
            garment, truth = read_person_folder(case / name), read_person_folder(case / "truth")
            for c in classes:
                assert (garment.labels == CLASS_IDS[c]).any()
                assert (truth.labels == CLASS_IDS[c]).any()


def test_truth_differs_from_the_person_in_clothes_only(folder):
    for split in SHARES:
        person, truth = (read_person_folder(folder / split / "0000" / name) for name in ("person", "truth"))
        assert np.array_equal(person.densepose, truth.densepose)
        same = (person.labels == 0) & (truth.labels == 0)
        difference = np.abs(person.image.astype(int) - truth.image)[same]
        assert np.median(difference) == 0
        face = (person.labels == CLASS_IDS["face"]) & (truth.labels == CLASS_IDS["face"])
        assert face.sum() > 10


@pytest.mark.parametrize("split", SHARES)
def test_nothing_of_a_triplet_was_trained_on(split):
    for number in range(6):
        triplet = sample_triplet(SETTINGS, split, np.random.default_rng([number, 3]))
        people = [triplet.person, *(model for model, _, _ in triplet.garments)]
        outfits = [triplet.wears, triplet.truth, *(wear for _, wear, _ in triplet.garments)]
        assert all(person.body >= body_model().people - HELD_OUT_BODIES for person in people)
        assert all(person.backdrop.seed % 2 == 1 and person.backdrop.held_out for person in people)
        for wear in outfits:
            assert all(piece.fabric().held_out and piece.seed % 2 == 1 for piece in (wear.top, wear.bottom))


def test_the_hard_split_is_harder():
    found = [sample_triplet(SETTINGS, "hard", np.random.default_rng(i)) for i in range(30)]
    turns = [abs(np.degrees(np.arctan2(t.person.pose["root"][1, 0], t.person.pose["root"][0, 0]))) for t in found]
    assert np.mean(np.array(turns) > 28) > 0.3
    assert {wears for t in found for _, _, classes in t.garments for wears in classes} >= {"upper_clothes", "dress"}


def test_trousers_and_skirts_of_the_hard_split_show_their_print():
    found = [sample_triplet(SETTINGS, "hard", np.random.default_rng(i)) for i in range(60)]
    below = [t.truth.bottom.fabric().kind for t in found if t.garments[0][2][0] in ("pants", "skirt")]
    assert len(below) > 10
    assert set(below) <= set(HARD_KINDS_BELOW)


def test_a_size_in_which_nothing_shows_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(triplets, "MOST_DRAWS", 2)
    with pytest.raises(InputError, match="--size 32x512"):
        render_triplets(tmp_path / "set", WardrobeSettings(1, 32, 512), 5, workers=1)


@pytest.mark.parametrize("count", [5, 40, 210, 1000])
def test_splits_add_up(count):
    splits = spread(count)
    assert sum(splits.values()) == count
    assert min(splits.values()) >= 1
