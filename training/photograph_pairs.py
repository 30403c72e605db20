"""Photographs as pairs to train on: everybody, and the photograph seen otherwise, each as the parser sees it by itself.

What the two show corresponds exactly, and their labels and body maps have the faults that those of any two photographs
have. (A mirror image would not do: where it shows a left sleeve, the photograph shows the right one.)

Run as ``python -m oviton.training.photograph_pairs PHOTOGRAPHS OUTPUT``.
"""

from __future__ import annotations

import csv
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import typer
from PIL import Image

from ..data.agreement import find_doubt
from ..data.classes import CLASS_NAMES, GARMENTS
from ..data.errors import InputError
from ..data.files import atomic_folder, atomic_path
from ..data.images import UInt8Array, read_image, read_labels, write_image
from ..prepare.person_folders import find_photographs
from ..prepare.preparer import Prepared, Preparer
from ..runtime.framed_photo import FramedPhoto
from ..runtime.person import Person
from ..wardrobe.render import CORRESPONDENCE_NAME
from .bent_view import BentView
from .dataset import PAIR_COLUMNS, PAIRS_NAME, SHARED_COLUMN
from .parser_data import is_held_out
from .parser_samples import UNKNOWN
from .street_photographs import possible_classes

FRAME = 512, 256
"""Height and width of what is written: the person fills it, as in the networks' frame."""

SPECK = 0.001
"""A class of a smaller share of the frame is not worn."""

BENT = "-bent"
"""Ends the names of photographs that are seen otherwise."""

Settle = Callable[[str, Prepared], UInt8Array]
"""From a photograph's name and what was seen in it to labels to learn from, `[H, W]`."""


@dataclass
class Written:
    """What became of photographs: how many pairs were written, and why the others were left out."""

    pairs: int
    left_out: dict[str, str]


def write_pairs(
    photographs: dict[str, Path],
    output: Path,
    preparer: Preparer,
    settle: Settle = lambda _, seen: seen.labels,
    on_progress: Callable[[str, int, int], None] = lambda *_: None,
) -> Written:
    """Write two person folders a photograph, and ``pairs.csv``; what is there is kept.

    Parameters
    ----------
    photographs
        Files by name.
    output
        Where to write ``NAME`` and ``NAME-bent``, of `FRAME`'s size.
    preparer
        Sees the photographs.
    settle
        Returns the labels to learn from. Default: those that were seen.
    on_progress
        Called with what is done, how much, and of how much.
    """
    output.mkdir(parents=True, exist_ok=True)
    left_out: dict[str, str] = {}
    for number, (name, path) in enumerate(photographs.items(), start=1):
        if not (output / f"{name}{BENT}").is_dir():
            try:
                _write_pair(read_image(path), output / name, preparer, settle)
            except InputError as error:
                left_out[name] = str(error)
        on_progress("pairing photographs", number, len(photographs))
    rows = []
    for name in photographs:
        folder = output / name
        if folder.is_dir():
            both = (read_labels(each / "labels.png") for each in (folder, output / f"{name}{BENT}"))
            counts = np.minimum(*(np.bincount(labels.ravel(), minlength=len(CLASS_NAMES)) for labels in both))
            worn = [CLASS_NAMES[c] for c in GARMENTS if counts[c] > SPECK * FRAME[0] * FRAME[1]]
            rows.append((name, f"{name}{BENT}", "", "+".join(worn), "all"))
    with atomic_path(output / PAIRS_NAME) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([(*PAIR_COLUMNS, SHARED_COLUMN), *rows])
    return Written(len(rows), left_out)


def _write_pair(image: UInt8Array, folder: Path, preparer: Preparer, settle: Settle) -> None:
    height, width = image.shape[:2]
    view = BentView.random(height, width, seed=zlib.crc32(folder.name.encode()))
    seen = [preparer(each, name=folder.name) for each in (image, view.picture(image))]
    for each in seen:
        doubt = find_doubt(each.labels, each.densepose)
        if doubt is not None:
            raise InputError(doubt.text)
    framed = [FramedPhoto.of(Person.of(each), *FRAME) for each in seen]
    places = bent_places(framed[0], framed[1], view)
    labels = settle(folder.name, seen[0])
    # The other view last: its folder says that the pair is whole.
    for name, frame, truth in ((folder.name, framed[0], labels), (f"{folder.name}{BENT}", framed[1], None)):
        picture, own, body = frame.fit()
        with atomic_folder(folder.parent / name, is_ours=lambda _: True) as temporary:
            write_image(temporary / "image.png", picture)
            write_image(temporary / "labels.png", own if truth is None else frame.fit_labels(truth))
            write_image(temporary / "densepose.png", body)
            if truth is not None:
                marked = (frame.fit_labels(truth) > 0).astype(np.uint8)
                np.savez_compressed(temporary / CORRESPONDENCE_NAME, places=places, known=2 * marked)


def bent_places(framed: FramedPhoto, bent: FramedPhoto, view: BentView) -> npt.NDArray[np.float16]:
    """Return where each pixel of a frame lies in that of the view: column and row, `[H, W, 2]`.

    Parameters
    ----------
    framed, bent
        The photograph, and its view, each in its frame.
    view
        What leads from one to the other.
    """
    pixels = np.stack(np.meshgrid(*(np.arange(size) + 0.5 for size in FRAME[::-1])), axis=2)
    corner, scale = _placed(framed)
    other_corner, other_scale = _placed(bent)
    return (view.find((pixels - corner) / scale) * other_scale + other_corner).astype(np.float16)


def _placed(framed: FramedPhoto) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return where the photograph's corner lies in the frame, x and y, and how many pixels there one becomes."""
    left, top, right, bottom = framed.box.box
    scale = np.array([(right - left) / framed.box.photo_width, (bottom - top) / framed.box.photo_height])
    rows, columns = framed.part
    return np.array([left, top]) - np.array([columns.start, rows.start]) * scale, scale


@dataclass(frozen=True)
class StreetTags:
    """What people's tags tell of the labels of street photographs; see `street_photographs`.

    Parameters
    ----------
    folder
        Holds ``tags``, ``cihp`` and ``tag_names.txt``.
    """

    folder: Path

    def __call__(self, name: str, seen: Prepared) -> UInt8Array:
        """Return what was seen, and where a tag rules it out, what the tag says instead."""
        paths = [self.folder / kind / f"{name}.png" for kind in ("tags", "cihp")]
        if not all(path.is_file() for path in paths):
            return seen.labels
        tags, guess = (np.asarray(Image.open(path)) for path in paths)
        names = (self.folder / "tag_names.txt").read_text(encoding="utf-8").split()[1::2]
        assert seen.densepose is not None
        sets = possible_classes(tags, guess, seen.densepose[..., 0], names)
        return settled(seen.labels, sets, guess)


def settled(seen: UInt8Array, sets: npt.NDArray[np.uint32], guess: UInt8Array) -> UInt8Array:
    """Return labels that agree with sets of classes, as bits: as seen where that is possible.

    Parameters
    ----------
    seen
        Labels `[H, W]`.
    sets
        The classes that each pixel may be, `[H, W]`.
    guess
        What it is if it is not as seen, `[H, W]`; `UNKNOWN`: the first of the set.
    """
    possible = (sets >> seen.astype(np.uint32)) & 1 > 0
    first = np.log2((sets & -sets.astype(np.int64)).clip(min=1)).astype(np.uint8)
    return np.where(possible, seen, np.where(guess == UNKNOWN, first, guess))


def main(
    photographs: Path,
    output: Path,
    tags: Annotated[Path | None, typer.Option(help="Clothing Co-Parsing's folder, for what people tagged.")] = None,
) -> None:
    """Write pairs of a folder of photographs, without those that are held out; go on where an earlier run stopped."""
    found = {name: path for name, path in find_photographs([photographs]).items() if not is_held_out(name)}

    def tell(what: str, done: int, total: int) -> None:
        if done % 50 == 0:
            print(f"{what}: {done} of {total}", flush=True)

    with Preparer.load() as preparer:
        settle = (lambda _, seen: seen.labels) if tags is None else StreetTags(tags)
        written = write_pairs(found, output, preparer, settle, tell)
    for name, reason in written.left_out.items():
        print(f"left out: {name}: {reason}")
    print(f"{output}: {written.pairs} pairs, {len(written.left_out)} photographs left out")


if __name__ == "__main__":
    typer.run(main)
