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
from oviton.wardrobe.scene import segment
from oviton.wardrobe.triplet_cases import HIDDEN, SPLITS, sample_triplet
from oviton.wardrobe.triplets import render_triplets, spread

SETTINGS = WardrobeSettings(seed=11, height=128, width=64)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("triplets") / "set"
    render_triplets(folder, SETTINGS, 9, workers=1)
    return folder


def test_every_split_has_whole_cases(folder):
    index = json.loads((folder / "triplets.json").read_text())
    assert index == {"schema": 1, "splits": dict.fromkeys(SPLITS, 1)}
    for split in SPLITS:
        case = folder / split / "0000"
        about = json.loads((case / "triplet.json").read_text())
        assert sorted(about["wear"]) == sorted(path.name for path in case.glob("garment_*"))
        assert len(about["wear"]) == 2 if split == "two" else len(about["wear"]) + len(about["remove"]) >= 1
        assert about["measures"] == ("changed" if split in ("layers", "undress") else "worn")
        for name, classes in about["wear"].items():
            garment, truth = read_person_folder(case / name), read_person_folder(case / "truth")
            for c in classes:
                assert (garment.labels == CLASS_IDS[c]).any()
                assert (truth.labels == CLASS_IDS[c]).any()


def test_truth_differs_from_the_person_in_clothes_only(folder):
    for split in SPLITS:
        person, truth = (read_person_folder(folder / split / "0000" / name) for name in ("person", "truth"))
        assert np.array_equal(person.densepose, truth.densepose)
        same = (person.labels == 0) & (truth.labels == 0)
        difference = np.abs(person.image.astype(int) - truth.image)[same]
        assert np.median(difference) == 0
        face = (person.labels == CLASS_IDS["face"]) & (truth.labels == CLASS_IDS["face"])
        assert face.sum() > 10


@pytest.mark.parametrize("split", SPLITS)
def test_nothing_of_a_triplet_was_trained_on(split):
    for number in range(3):
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
        render_triplets(tmp_path / "set", WardrobeSettings(1, 32, 512), 9, workers=1)


@pytest.mark.parametrize("count", [9, 40, 330, 1000])
def test_splits_add_up(count):
    splits = spread(count)
    assert sum(splits.values()) == count
    assert min(splits.values()) >= 1


def draws(split, count=12):
    return [sample_triplet(SETTINGS, split, np.random.default_rng([i, 7])) for i in range(count)]


def test_layers_come_and_go():
    found = draws("layers", 24)
    worn = {name for triplet in found for _, _, classes in triplet.garments for name in classes}
    assert worn == {"coat", "scarf", "hat", "left_shoe", "right_shoe"}
    gone = [triplet for triplet in found if triplet.remove]
    assert gone
    assert all(triplet.wears.coat and not triplet.truth.coat and not triplet.garments for triplet in gone)


def test_what_is_undressed_is_of_the_other_length():
    for triplet in draws("undress"):
        assert triplet.changed
        old, new = (
            [wear.dress, wear.bottom.kind in ("shorts", "mini"), wear.top.kind in ("tank", "camisole")]
            for wear in (triplet.wears, triplet.truth)
        )
        assert old != new


def test_the_hidden_split_hides_garments_in_their_photographs():
    found = draws("hidden", 3)
    shares = [model.hidden_share(wear, classes[0], SETTINGS.size) for t in found for model, wear, classes in t.garments]
    assert min(shares) >= HIDDEN


def test_what_limbs_hide_is_counted():
    triplet = draws("hidden", 1)[0]
    model, wear, (name, *_) = triplet.garments[0]
    c = CLASS_IDS[name]
    skin, worn, strands, camera = model._compose(wear, SETTINGS.size, None)
    masks = []
    for layers in ([skin, *worn, *strands], worn):
        seen = segment(layers, camera, SETTINGS.size, window=model.framing.window)
        masks.append(seen == c)
    whole, alone = masks
    assert not (whole & ~alone).any()
    assert model.hidden_share(wear, name, SETTINGS.size) == pytest.approx(1 - whole.sum() / alone.sum())
    assert model.hidden_share(wear, "glove", SETTINGS.size) == 0
