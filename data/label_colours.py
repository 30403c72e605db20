"""Labels that are told by colours: pictures and palettes in the colours that parsers draw their classes in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from .classes import PALETTE, present_classes
from .errors import InputError

UInt8Array = npt.NDArray[np.uint8]

_MOST_COLOURS = 256
"""A picture with more colours than a palette holds is no label map."""


def pascal_colours(count: int) -> UInt8Array:
    """Return the colour map of PASCAL VOC, `[count, 3]`: the bits of an id, lowest first, dealt to R, G and B in turn.

    Examples
    --------
    >>> pascal_colours(4).tolist()
    [[0, 0, 0], [128, 0, 0], [0, 128, 0], [128, 128, 0]]
    """
    colours = np.zeros((count, 3), np.uint8)
    for bit in range(8):
        colours |= ((np.arange(count)[:, None] >> (3 * bit + np.arange(3)) & 1) << (7 - bit)).astype(np.uint8)
    return colours


LABEL_COLOURS: Mapping[str, UInt8Array] = {
    "SCHP": pascal_colours(32),
    "PGN": np.array(
        [
            [0, 0, 0], [128, 0, 0], [255, 0, 0], [0, 85, 0], [170, 0, 51],
            [255, 85, 0], [0, 0, 85], [0, 119, 221], [85, 85, 0], [0, 85, 85],
            [85, 51, 0], [52, 86, 128], [0, 128, 0], [0, 0, 255], [51, 170, 221],
            [0, 255, 255], [85, 255, 170], [170, 255, 85], [255, 255, 0], [255, 170, 0],
        ],
        np.uint8,
    ),
    "oviton": PALETTE,
}  # fmt: skip
"""RGB colours by id of the parsers (PGN's are LIP's and CIHP's too), by name."""


def decode_labels(image: Image.Image, stored_mode: str, name: str) -> tuple[UInt8Array, tuple[str, ...]]:
    """Return the ids of a label picture and what to say about them.

    A palette picture whose colours are a parser's but stand at other numbers was made from colours, by drawing them or
    by reducing a coloured picture: its colours are the ids then. So are those of an RGB picture.

    Parameters
    ----------
    image
        The picture.
    stored_mode
        Pillow's name of its pixels as the file stores them.
    name
        What messages call it.

    Raises
    ------
    InputError
        When it holds neither ids nor the colours of one parser.
    """
    if stored_mode == "L":
        return np.asarray(image, dtype=np.uint8), ()
    if stored_mode in ("P", "P;1", "P;2", "P;4"):
        return _of_palette(np.asarray(image, dtype=np.uint8), image.getpalette("RGB"), name)
    if stored_mode == "RGB":
        return _of_colours(np.asarray(image, dtype=np.uint8), name)
    # Pillow would stretch grey of other depths over 0 to 255, so that ids change.
    raise InputError(
        f"{name}: labels are stored as {stored_mode}; allowed: 8-bit grey (L) or palette (P) with one class id a pixel"
    )


def _told(name: str) -> str:
    """Return what notes call a file: its folder's name and its own."""
    return "/".join(Path(name).parts[-2:])


def _of_palette(numbers: UInt8Array, palette: list[int] | None, name: str) -> tuple[UInt8Array, tuple[str, ...]]:
    present = present_classes(numbers)
    colours = np.array(palette or [], np.uint8).reshape(-1, 3)
    if not present or present[-1] >= len(colours):
        return numbers, ()
    meant = _meanings(colours[present])
    if not meant or any(ids == present for ids in meant.values()):
        return numbers, ()
    drawn, ids = _only(meant, name)
    table = np.zeros(256, np.uint8)
    table[present] = ids
    return table[numbers], (f"{_told(name)}: its palette is out of order, so classes are read by {drawn}'s colours",)


def _of_colours(picture: UInt8Array, name: str) -> tuple[UInt8Array, tuple[str, ...]]:
    packed = picture.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)
    found, places = np.unique(packed, return_inverse=True)
    colours = np.stack([found >> 16, found >> 8 & 255, found & 255], axis=1).astype(np.uint8)
    meant = _meanings(colours) if len(found) <= _MOST_COLOURS else {}
    if not meant:
        raise InputError(
            f"{name}: labels are stored as RGB, and its {len(found)} colours are no parser's "
            f"({', '.join(LABEL_COLOURS)}); allowed: 8-bit grey (L) or palette (P) with one class id a pixel"
        )
    drawn, ids = _only(meant, name)
    table = np.array(ids, np.uint8)
    return table[places.reshape(packed.shape)], (f"{_told(name)}: classes are read by {drawn}'s colours",)


def _meanings(colours: UInt8Array) -> dict[str, list[int]]:
    """Return the ids of colours by each parser that knows all of them; where parsers agree, only the first."""
    meanings: dict[str, list[int]] = {}
    for drawn, table in LABEL_COLOURS.items():
        same = (colours[:, None] == table).all(axis=2)
        ids = same.argmax(axis=1).tolist()
        if same.any(axis=1).all() and ids not in meanings.values():
            meanings[drawn] = ids
    return meanings


def _only(meant: Mapping[str, list[int]], name: str) -> tuple[str, list[int]]:
    if len(meant) > 1:
        raise InputError(
            f"{name}: its colours mean different classes to {' and '.join(meant)}; save class ids, one a pixel, "
            "as 8-bit grey"
        )
    return next(iter(meant.items()))
