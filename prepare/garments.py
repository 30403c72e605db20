"""What a garment's picture shows: somebody who wears it, or the garment alone.

A garment alone is a cut-out with transparency, or a product on a plain ground. It has no body, so all of its pixels
belong to the class that is worn.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import numpy as np
import numpy.typing as npt

from ..data.classes import CLASS_NAMES, SKIN, ids
from ..data.errors import InputError
from ..data.images import Photograph, UInt8Array
from .choice import LARGEST, NobodyError, Who
from .preparer import Prepared, Preparer

OPAQUE = 128
"""Alpha from which a pixel belongs to the garment."""

PLAIN_SHARE = 0.95
"""So much of a picture's border has one colour where a product lies on a plain ground."""

SAME_COLOUR = 24
"""Levels by which pixels of one ground differ: noise, shading and compression."""

_BODY = (*SKIN, *ids("hair"))


def see_garment(
    photograph: Photograph,
    classes: Sequence[int],
    preparer: Preparer,
    who: Who = LARGEST,
    name: str = "garment",
) -> Prepared:
    """Return the labels of a garment's picture, and a body map where somebody wears it.

    Parameters
    ----------
    photograph
        The picture, and how opaque it is.
    classes
        Ids of the classes that are to be taken.
    preparer
        Sees people.
    who
        Whom to take of several people. Default: the largest.
    name
        What messages call the picture.

    Raises
    ------
    InputError
        When nobody wears it and the garment cannot be told from its ground, or several classes are to be taken from a
        garment that lies alone.
    """
    image = photograph.image
    with suppress(NobodyError):
        prepared = preparer(image, who, name)
        if np.isin(prepared.labels, _BODY).any():
            return prepared
    garment = garment_outline(image, photograph.alpha)
    if garment is None:
        raise InputError(
            f"{name}: neither somebody who wears it nor a garment on a plain ground was found; take a photograph of a "
            "person in it, or cut it out (a PNG with transparency)"
        )
    if len(classes) > 1:
        asked = ", ".join(CLASS_NAMES[c] for c in classes)
        raise InputError(f"{name}: shows a garment alone, but {asked} are to be taken from it; name one class")
    labels = np.where(garment, np.uint8(classes[0]), np.uint8(0))
    rows, columns = (np.flatnonzero(garment.any(axis=axis)) for axis in (1, 0))
    box = (float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1))
    return Prepared(image, labels, None, box, name)


def garment_outline(image: UInt8Array, alpha: UInt8Array | None) -> npt.NDArray[np.bool_] | None:
    """Return which pixels of a picture are of a garment that lies alone; None where it cannot be told.

    Transparency tells; without any, whatever differs from a ground of one colour.
    """
    if alpha is not None and (alpha < OPAQUE).any():
        found = alpha >= OPAQUE
    else:
        border = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]]).astype(np.int16)
        ground = np.median(border, axis=0)
        if (np.abs(border - ground).max(axis=1) <= SAME_COLOUR).mean() < PLAIN_SHARE:
            return None
        found = np.abs(image.astype(np.int16) - ground).max(axis=2) > SAME_COLOUR
        found = _without_holes(found)
    return found if found.any() else None


def _without_holes(found: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Add pixels that have the garment on all four sides, such as a print of the ground's colour."""
    inside = np.ones_like(found)
    for axis in (0, 1):
        inside &= np.logical_or.accumulate(found, axis=axis)
        inside &= np.flip(np.logical_or.accumulate(np.flip(found, axis), axis=axis), axis)
    return found | inside
