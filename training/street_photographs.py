"""Photographs of a street, tagged by people, turned into samples of the person parser.

The photographs are those of *Clothing Co-Parsing* (Yang, Luo, Lin, CVPR 2014): 59 tags a pixel, which are not CIHP's
classes. What a tag may be is kept as a set of classes. Body maps come from a teacher, BodyPix.

Run as ``python -m oviton.training.street_photographs PHOTOGRAPHS TEACHER OUTPUT``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import typer
from PIL import Image
from scipy.ndimage import binary_dilation, label

from ..data.classes import NUM_CLASSES, ids
from ..data.files import atomic_path
from ..data.images import UInt8Array
from .body_map_teacher import Teacher, around
from .parser_samples import ANY, BAGS, PERSON_HEIGHT

_TAGS = {
    "null bag purse wallet": ("background",),
    "hat": ("hat",),
    "hair": ("hair",),
    "gloves": ("glove",),
    "glasses sunglasses": ("sunglasses",),
    "blouse bodysuit bra hoodie intimate jumper shirt sweater sweatshirt swimwear t-shirt top vest": ("upper_clothes",),
    "dress romper": ("dress",),
    "blazer cape cardigan coat jacket": ("coat",),
    "socks stockings": ("socks",),
    "jeans leggings panties pants shorts tights": ("pants",),
    "scarf tie": ("scarf",),
    "skirt": ("skirt",),
    "boots clogs flats heels loafers pumps sandals shoes sneakers wedges": ("left_shoe", "right_shoe"),
    "skin bracelet ring watch necklace earrings": (
        "face", "torso_skin", "left_arm", "right_arm", "left_leg", "right_leg",
    ),
    "belt suit": ("upper_clothes", "dress", "coat", "pants", "skirt"),
    "accessories": (),
}  # fmt: skip
"""Which classes each tag may be; none for any."""

_ON_PART = (
    ((1, 2), ("torso_skin",)),
    ((3, 16, 18, 20, 22), ("right_arm",)),
    ((4, 15, 17, 19, 21), ("left_arm",)),
    ((5, 8, 10, 12, 14), ("left_leg", "left_shoe")),
    ((6, 7, 9, 11, 13), ("right_leg", "right_shoe")),
    ((23, 24), ("face", "torso_skin")),
)
"""Which skin and shoes each part of the body may show."""

BAG_TAGS = ("bag", "purse", "wallet")
SMALLEST_BAG = 400
"""In pixels of a sample."""

SLACK = 4
"""So many pixels outside the person's outline, the teacher's body is neither believed nor denied."""


def write_samples(photographs: Path, output: Path, teacher: Path) -> Iterator[Path]:
    """Write a sample a tagged photograph into a folder, and return each as it is written; what is there is kept.

    Parameters
    ----------
    photographs
        Folder with ``images``, ``tags`` and ``cihp`` (a guess of the classes, for the sides of limbs and shoes).
    output
        Where to write ``NNNN.npz``, see `parser_samples.Sample`, and ``bags/NNNN.png``.
    teacher
        ONNX file of BodyPix.
    """
    seer = Teacher.load(teacher)
    names = (photographs / "tag_names.txt").read_text(encoding="utf-8").split()[1::2]
    (output / BAGS).mkdir(parents=True, exist_ok=True)
    for path in sorted((photographs / "tags").glob("*.png")):
        target = output / f"{path.stem}.npz"
        if target.exists():
            continue
        image = Image.open(photographs / "images" / f"{path.stem}.jpg").convert("RGB")
        tags, guess = (Image.open(photographs / kind / path.name) for kind in ("tags", "cihp"))
        rows = np.nonzero((np.asarray(tags) > 0).any(axis=1))[0]
        if not len(rows):
            continue  # nobody was tagged
        scale = min(1.0, PERSON_HEIGHT / (rows[-1] - rows[0] + 1))
        size = (round(image.width * scale), round(image.height * scale))
        picture = np.asarray(image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0))
        tagged, guessed = (np.asarray(each.resize(size, Image.Resampling.NEAREST)) for each in (tags, guess))
        sample = make_sample(picture, tagged, guessed, names, seer)
        bag = cut_bag(picture, tagged, names)
        if bag is not None:
            bag.save(output / BAGS / path.name)
        with atomic_path(target) as temporary, temporary.open("wb") as file:
            np.savez(file, **sample)
        yield target


def make_sample(
    image: UInt8Array, tags: UInt8Array, guess: UInt8Array, names: Sequence[str], teacher: Teacher
) -> dict[str, npt.NDArray[Any]]:
    """Return a sample's arrays; see `parser_samples.Sample`."""
    person = tags != names.index("null")
    window = around(person)
    body, mirrored = (np.zeros((*tags.shape, 3), np.uint8) for _ in range(2))
    body[window], seen = teacher(image[window])
    mirrored[:, ::-1][window] = seen[:, ::-1]
    near = binary_dilation(person, iterations=SLACK)
    known = person | ~near | (body[..., 0] == 0)
    body[~person], mirrored[:, ::-1][~person] = 0, 0
    sets = possible_classes(tags, guess, body[..., 0], names)
    table, index = np.unique(sets, return_inverse=True)
    return {
        "image": image,
        "sets": table,
        "index": index.reshape(sets.shape).astype(np.uint8),
        "body": body,
        "body_mirrored": mirrored,
        "body_known": known.astype(np.uint8),
    }


def cut_bag(image: UInt8Array, tags: UInt8Array, names: Sequence[str]) -> Image.Image | None:
    """Return the largest bag of a photograph, cut out with its outline as transparency; None where none is tagged."""
    pieces, count = label(np.isin(tags, [names.index(name) for name in BAG_TAGS]))
    if not count:
        return None
    bag = pieces == 1 + int(np.bincount(pieces.ravel())[1:].argmax())
    if bag.sum() < SMALLEST_BAG:
        return None
    rows, columns = (np.flatnonzero(bag.any(axis=axis)) for axis in (1, 0))
    window = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return Image.fromarray(np.dstack([image, bag * np.uint8(255)])[window])


def possible_classes(
    tags: UInt8Array, guess: UInt8Array, parts: UInt8Array, names: Sequence[str]
) -> npt.NDArray[np.uint32]:
    """Return the set of classes that each pixel may be, as bits, `[H, W]`.

    Of a tag that may be several classes, the guess is taken where the body map agrees with it or knows nothing; else
    it may be either what the guess or what the body map says.
    """
    classes = {word: _bits(found) for words, found in _TAGS.items() for word in words.split()}
    tagged = np.array([classes[name] for name in names], np.uint32)[tags]
    guessed = np.append(np.uint32(1) << np.arange(NUM_CLASSES, dtype=np.uint32), [ANY] * (256 - NUM_CLASSES))
    guessed = guessed.astype(np.uint32)[guess] & tagged
    allowed = np.zeros(25, np.uint32)
    for numbers, found in _ON_PART:
        allowed[list(numbers)] = _bits(found)
    there = allowed[parts] & tagged
    return np.where(guessed & there, guessed & there, np.where(guessed | there, guessed | there, tagged))


def _bits(names: Sequence[str]) -> int:
    return sum(1 << number for number in ids(*names)) or ANY


def main(photographs: Path, teacher: Path, output: Path) -> None:
    """Write the samples, or go on where an earlier run stopped."""
    torch.set_num_threads(1)
    written = 0
    for path in write_samples(photographs, output, teacher):
        written += 1
        if written % 50 == 0:
            print(f"{written}: {path}", flush=True)
    print(f"{output}: {written} new samples")


if __name__ == "__main__":
    typer.run(main)
