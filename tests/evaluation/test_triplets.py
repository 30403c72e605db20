import json
import shutil

import numpy as np
import pytest
from PIL import Image

from oviton import InputError
from oviton.data.classes import CLASS_IDS
from oviton.evaluation.methods import paint_flat
from oviton.evaluation.triplets import Triplet, TripletFolder

TOP, PANTS = CLASS_IDS["upper_clothes"], CLASS_IDS["pants"]


def edit(path, **fields):
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


def test_triplets_are_listed_in_order(triplets):
    folder = TripletFolder.open(triplets, limit=2)
    assert {split: [p.name for p in paths] for split, paths in folder.splits.items()} == {
        "upper": ["0001", "0002"],
        "two": ["0001", "0002"],
    }
    assert folder.notes == ()
    assert list(TripletFolder.open(triplets, splits=["two"]).splits) == ["two"]


def test_missing_triplets_are_noted(triplets):
    shutil.rmtree(triplets / "upper" / "0002")
    assert TripletFolder.open(triplets).notes == ("upper: 2 triplets found, but triplets.json lists 3",)


def test_a_triplet_knows_its_region(triplets):
    triplet = Triplet.open(triplets / "two" / "0001")
    assert (triplet.split, triplet.name, triplet.fabric, triplet.textured) == ("two", "0001", "stripes", False)
    assert triplet.worn == (TOP, PANTS)
    assert (triplet.region == np.isin(triplet.true_labels, (TOP, PANTS))).all()
    assert [g.name.rsplit("/", 1)[1] for g in triplet.garments] == ["garment_1", "garment_2"]


def test_ten_garments_stay_in_order(triplets):
    folder = triplets / "upper" / "0001"
    for i in (2, 10):
        shutil.copytree(folder / "garment_1", folder / f"garment_{i}")
    edit(folder / "triplet.json", wear={"garment_10": ["face"], "garment_2": ["pants"], "garment_1": ["upper_clothes"]})
    with pytest.raises(InputError, match="'face' is not a garment"):
        Triplet.open(folder)
    edit(folder / "triplet.json", wear={"garment_10": ["pants"], "garment_2": ["upper_clothes"]})
    assert [g.name.rsplit("/", 1)[1] for g in Triplet.open(folder).garments] == ["garment_2", "garment_10"]


@pytest.mark.parametrize(
    ("index", "message"),
    [
        ("", "not an index of triplets: the file: Invalid JSON"),
        ('{"splits": {}}', "schema: Field required"),
        ('{"schema": 2, "splits": {"upper": 1}}', "schema 2; this version reads up to 1"),
        ('{"schema": 1, "splits": {"../..": 1}}', "should match pattern"),
        ('{"schema": 1, "splits": {}}', "no triplet"),
        ('{"schema": 1, "splits": {"other": 4}}', "no triplet in other"),
    ],
)
def test_an_unusable_index_is_refused(triplets, index, message):
    (triplets / "triplets.json").write_text(index)
    with pytest.raises(InputError, match=message):
        TripletFolder.open(triplets)


def test_what_is_not_there_is_named(triplets, tmp_path):
    with pytest.raises(InputError, match="no such folder of triplets"):
        TripletFolder.open(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"split 'hard' is not in .*; allowed: upper, two"):
        TripletFolder.open(triplets, splits=["hard"])
    (triplets / "triplets.json").unlink()
    with pytest.raises(InputError, match=r"triplets\.json: no such file"):
        TripletFolder.open(triplets)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"wear": {}}, "nothing is worn and nothing removed"),
        ({"measures": "all"}, "measures: Input should be 'worn' or 'changed'"),
        ({"wear": {"../person": ["pants"]}}, "should match pattern"),
        ({"wear": {"garment_1": []}}, "at least 1 item"),
        ({"wear": {"garment_1": ["hat"]}}, "no pixel is labelled hat"),
        ({"wear": {"garment_3": ["pants"]}}, "a folder is expected, but it is missing"),
    ],
)
def test_an_unusable_case_is_refused(triplets, fields, message):
    edit(triplets / "upper" / "0001" / "triplet.json", **fields)
    with pytest.raises(InputError, match=message):
        Triplet.open(triplets / "upper" / "0001")


def test_truth_must_fit(triplets):
    folder = triplets / "upper" / "0001"
    for name in ("image", "labels", "densepose"):
        with Image.open(folder / "truth" / f"{name}.png") as picture:
            picture.crop((0, 0, 32, 60)).save(folder / "truth" / f"{name}.png")
    with pytest.raises(InputError, match="32x60 found, but the person is 32x64"):
        Triplet.open(folder)
    labels = np.zeros((64, 32), np.uint8)
    labels[0, :5] = TOP
    shutil.rmtree(folder / "truth")
    shutil.copytree(folder / "person", folder / "truth")
    Image.fromarray(labels).save(folder / "truth" / "labels.png")
    with pytest.raises(InputError, match="5 pixels are labelled upper_clothes; at least 20"):
        Triplet.open(folder)


def test_all_that_changes_may_be_measured(triplets):
    folder = triplets / "upper" / "0001"
    edit(folder / "triplet.json", measures="changed")
    labels = np.asarray(Image.open(folder / "truth" / "labels.png")).copy()
    labels[20:24, 2:5] = 0  # an arm that is gone
    Image.fromarray(labels).save(folder / "truth" / "labels.png")
    triplet = Triplet.open(folder)
    assert triplet.region[20:24, 2:5].all()
    assert triplet.region.sum() == (labels == TOP).sum() + 12
    background = triplet.person.image[triplet.person.labels == 0].mean(axis=0)
    flat = paint_flat(triplet.person, triplet.garments, triplet.true_labels, triplet.region)
    assert (flat[20:24, 2:5] == np.round(background)).all()


def test_what_is_only_removed_is_a_triplet_too(triplets):
    folder = triplets / "upper" / "0001"
    edit(folder / "triplet.json", wear={}, remove=["pants"], measures="changed")
    labels = np.asarray(Image.open(folder / "truth" / "labels.png")).copy()
    labels[labels == PANTS] = 0
    Image.fromarray(labels).save(folder / "truth" / "labels.png")
    triplet = Triplet.open(folder)
    assert not triplet.garments
    assert triplet.region.sum() == (triplet.person.labels == PANTS).sum()
