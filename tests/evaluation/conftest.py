"""Tiny triplets, made of blocks of colour."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from oviton import TryOn
from oviton.data.classes import CLASS_IDS

TOP, PANTS, FACE, ARM = (CLASS_IDS[name] for name in ("upper_clothes", "pants", "face", "left_arm"))
SIZE = (64, 32)


def draw_person(seed, sleeve=4):
    """Return image, labels and body map of a person of blocks; `sleeve` makes the top wider."""
    rng = np.random.default_rng(seed)
    labels = np.zeros(SIZE, np.uint8)
    labels[4:16, 10:22] = FACE
    labels[16:36, 10 - sleeve : 22 + sleeve] = TOP
    labels[36:60, 10:22] = PANTS
    labels[20:40, 2:5] = ARM
    colours = rng.integers(0, 256, (20, 3))
    image = (colours[labels] * 0.7 + rng.integers(0, 70, (*SIZE, 3))).astype(np.uint8)
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    densepose = np.stack([np.zeros_like(labels), 7 * columns, 4 * rows], axis=2).astype(np.uint8)
    for name, part in ((FACE, 24), (TOP, 2), (PANTS, 9), (ARM, 15)):
        densepose[labels == name, 0] = part
    densepose[36:40, 2:5, 0] = 4
    densepose[labels == 0] = 0
    return image, labels, densepose


def write_person(folder, person):
    folder.mkdir(parents=True)
    for name, array in zip(("image", "labels", "densepose"), person, strict=True):
        Image.fromarray(array).save(folder / f"{name}.png")


def write_triplet(folder, seed, wear=None, **fields):
    """Write a triplet whose truth is the person with the top repainted in the garment's colours."""
    person, garment = draw_person(seed), draw_person(seed + 100)
    truth = [array.copy() for array in person]
    truth[0][truth[1] == TOP] = garment[0][garment[1] == TOP]
    write_person(folder / "person", person)
    wear = wear or {"garment_1": ["upper_clothes"]}
    for name in wear:
        write_person(folder / name, garment)
    write_person(folder / "truth", truth)
    case = {"wear": wear, "remove": [], "textured": seed % 2 == 1, "fabric": "stripes", **fields}
    (folder / "triplet.json").write_text(json.dumps(case))


def write_index(folder, **splits):
    (folder / "triplets.json").write_text(json.dumps({"schema": 1, "splits": splits}))


@pytest.fixture
def triplets(tmp_path) -> Path:
    """Three tops and two whole outfits, to read or to damage."""
    folder = tmp_path / "triplets"
    for i in range(3):
        write_triplet(folder / "upper" / f"{i + 1:04d}", i)
    for i in range(2):
        write_triplet(folder / "two" / f"{i + 1:04d}", i + 10, {"garment_1": ["upper_clothes"], "garment_2": ["pants"]})
    write_index(folder, upper=3, two=2)
    return folder


@pytest.fixture(scope="session")
def tryon(tiny_bundle_folder, cache):
    with TryOn.load(tiny_bundle_folder, engine="onnxruntime", cache=cache) as loaded:
        yield loaded
