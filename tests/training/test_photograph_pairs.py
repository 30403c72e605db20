"""Photographs and how they are seen otherwise as pairs."""

import csv

import numpy as np
import pytest
from PIL import Image

from oviton.data.images import read_labels
from oviton.data.person_folder import read_person_folder
from oviton.prepare.preparer import Preparer
from oviton.training.dataset import Dataset
from oviton.training.photograph_pairs import FRAME, settled, write_pairs

from coloured_people import paint, person, read_colours


@pytest.fixture(scope="module")
def preparer():
    def parse(image):
        labels, body, people = read_colours(image)
        y, x = np.mgrid[: image.shape[0], : image.shape[1]]
        body[..., 1:] = np.where(body[..., :1] > 0, np.stack([20 + 3 * x, 20 + 2 * y], axis=2), 0)
        return labels, body, people

    return Preparer(parse, (96, 64), lambda: None)


@pytest.fixture
def photographs(tmp_path):
    """A photograph of somebody off the middle, wearing something at one side only, and one of nobody."""
    labels, parts = np.zeros((300, 200), np.uint8), np.zeros((300, 200), np.uint8)
    labels[20:280, 30:110], parts[20:280, 30:110] = person(260, 80)
    labels[100:150, 30:60] = 7
    Image.fromarray(paint(labels, parts)).save(tmp_path / "0001.png")
    Image.fromarray(np.full((300, 200, 3), 255, np.uint8)).save(tmp_path / "0002.png")
    return {path.stem: path for path in sorted(tmp_path.glob("*.png"))}


def test_a_person_and_their_other_view_correspond(photographs, preparer, tmp_path):
    output = tmp_path / "pairs"
    written = write_pairs(photographs, output, preparer)
    assert written.pairs == 1
    assert list(written.left_out) == ["0002"]
    one, other = (read_person_folder(output / name) for name in ("0001", "0001-bent"))
    assert one.labels.shape == other.labels.shape == FRAME
    with np.load(output / "0001" / "correspondence.npz") as file:
        places, known = file["places"].astype(float), file["known"]
    assert ((known == 2) == (one.labels > 0)).all()
    rows, columns = np.nonzero(known)
    x, y = places[rows, columns].T
    there = other.image[y.astype(int).clip(0, 511), x.astype(int).clip(0, 255)]
    difference = np.abs(one.image[rows, columns].astype(float) - there).mean(axis=1)
    assert np.quantile(difference, 0.9) < 3  # but for borders of what was painted
    assert np.abs(x - columns).max() > 4


def test_training_reads_them_as_pairs(photographs, preparer, tmp_path):
    output = tmp_path / "pairs"
    some = {f"{number:04d}": photographs["0001"] for number in range(3)}
    write_pairs(some, output, preparer)
    with (output / "pairs.csv").open() as file:
        _, row, _ = csv.DictReader(file)
    assert set(row.pop("classes").split("+")) >= {"upper_clothes", "coat", "pants"}
    assert row == {"person": "0001", "garment": "0001-bent", "before": "", "shared": "all"}
    dataset = Dataset(output, 256, 128, images=True, body_maps=True, pairs=True)
    assert {pair.garment for pair in dataset.pairs} <= {f"{name}-bent" for name in some}


def test_what_is_there_is_kept(photographs, preparer, tmp_path):
    output = tmp_path / "pairs"
    write_pairs(photographs, output, preparer)
    (output / "0001" / "mark").write_text("mine")
    assert write_pairs(photographs, output, preparer).pairs == 1
    assert (output / "0001" / "mark").read_text() == "mine"


def test_other_labels_may_be_learned_from(photographs, preparer, tmp_path):
    output = tmp_path / "pairs"
    write_pairs(photographs, output, preparer, lambda name, seen: np.where(seen.labels == 7, 5, seen.labels))
    one, other = (read_labels(output / name / "labels.png") for name in ("0001", "0001-bent"))
    assert 7 not in one
    assert 7 in other  # which is as it was seen


def test_labels_are_settled_by_what_is_possible():
    seen = np.array([[5, 5, 5, 5]], np.uint8)
    sets = np.array([[1 << 5, 1 << 6, (1 << 6) | (1 << 7), (1 << 6) | (1 << 7)]], np.uint32)
    guess = np.array([[9, 255, 7, 255]], np.uint8)
    assert settled(seen, sets, guess).tolist() == [[5, 6, 7, 6]]
