"""Prepared photographs as person folders, and a sheet that shows what was seen in each."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from ..data.classes import PALETTE
from ..data.errors import InputError
from ..data.files import atomic_folder, atomic_path
from ..data.formats import READ_SUFFIXES
from ..data.images import UInt8Array, write_image
from ..data.person_folder import read_person_folder
from .preparer import Prepared

_TILE = (256, 192)
"""Height and width of a picture on the sheet."""

_ACROSS = 3
"""Photographs side by side, each with its labels and body map."""

_PARTS = 24


def find_photographs(paths: Sequence[Path]) -> dict[str, Path]:
    """Return photographs by the name of the folder that each is to become; of a folder, all pictures in it.

    Raises
    ------
    InputError
        When a path is missing, a folder holds no picture, or two photographs have one name.
    """
    found: dict[str, Path] = {}
    for path in paths:
        files = sorted(_pictures(path)) if path.is_dir() else [path]
        if not files:
            raise InputError(f"{path}: holds no photographs; allowed endings: {', '.join(READ_SUFFIXES)}")
        for file in files:
            if not file.exists():
                raise InputError(f"{file}: no such file")
            # In a person folder the photograph is called image, whoever it shows.
            name = file.stem if file.stem != "image" else file.resolve().parent.name
            other = found.setdefault(name, file)
            if other != file:
                raise InputError(f"{file} and {other} would both become {name}; rename one")
    return found


def write_person(prepared: Prepared, folder: Path, file: Path | None = None) -> None:
    """Write a person folder, whole or not at all: the photograph, ``labels.png`` and, where there is one, the body map.

    Parameters
    ----------
    prepared
        The photograph and what was seen in it.
    folder
        The new folder.
    file
        The photograph's own file, to be copied; its pixels are stored upright. Default: None, the photograph is
        written anew, without loss.
    """
    with atomic_folder(folder, is_ours=lambda _: False) as temporary:
        if file is None:
            write_image(temporary / "image.png", prepared.image)
        else:
            shutil.copyfile(file, temporary / f"image{file.suffix.lower()}")
        write_image(temporary / "labels.png", prepared.labels)
        if prepared.densepose is not None:
            write_image(temporary / "densepose.png", prepared.densepose)


def write_sheet(folders: Iterable[Path], path: Path) -> None:
    """Draw photograph, labels and body map of person folders side by side, with the folders' names."""
    cells = [(folder.name, _row(folder)) for folder in folders]
    height, width = _TILE[0] + 20, 3 * _TILE[1] + 16
    sheet = Image.new("RGB", (_ACROSS * width, -(-len(cells) // _ACROSS) * height), "white")
    draw = ImageDraw.Draw(sheet)
    for number, (name, row) in enumerate(cells):
        x, y = number % _ACROSS * width, number // _ACROSS * height
        sheet.paste(row, (x, y + 18))
        draw.text((x + 4, y + 2), name, fill="black")
    with atomic_path(path) as temporary:
        sheet.save(temporary)


def _pictures(folder: Path) -> list[Path]:
    return [file for file in folder.iterdir() if file.suffix.lower() in READ_SUFFIXES and file.is_file()]


def _row(folder: Path) -> Image.Image:
    person = read_person_folder(folder)
    body = np.zeros_like(person.image) if person.densepose is None else body_colours(person.densepose)
    row = Image.new("RGB", (3 * _TILE[1], _TILE[0]), "white")
    for number, picture in enumerate((person.image, PALETTE[person.labels], body)):
        height, width = picture.shape[:2]
        scale = min(_TILE[0] / height, _TILE[1] / width)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        small = Image.fromarray(picture).resize(size, Image.Resampling.BILINEAR, reducing_gap=3.0)
        row.paste(small, (number * _TILE[1] + (_TILE[1] - size[0]) // 2, (_TILE[0] - size[1]) // 2))
    return row


def body_colours(densepose: UInt8Array) -> UInt8Array:
    """Return a body map `[H, W, 3]` as people can look at it: the part as brightness, U and V as colours."""
    parts = densepose[..., :1].astype(np.uint16) * 255 // _PARTS
    picture: UInt8Array = np.concatenate([parts.astype(np.uint8), densepose[..., 1:]], axis=2)
    return picture
