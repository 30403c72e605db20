"""Body maps as tools write them: channels first or last, whole numbers or floats, blue first, of a box only."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .classes import NUM_BODY_PARTS
from .errors import InputError

UInt8Array = npt.NDArray[np.uint8]

_ALLOWED = "part 0 to 24, U and V, as [H, W, 3] or [3, H, W], U and V from 0 to 255 or, as floats, from 0 to 1"


def check_layout(array: npt.NDArray[np.generic], name: str) -> tuple[int, int]:
    """Return height and width of a body map in any layout, from its header; raise `InputError` when it has none."""
    shape = array.shape
    if array.ndim != 3 or 3 not in (shape[0], shape[2]) or 0 in shape or array.dtype.kind not in "uif":
        raise InputError(f"{name}: shape {list(shape)}, dtype {array.dtype} found; allowed: {_ALLOWED}")
    return (shape[0], shape[1]) if shape[2] == 3 else (shape[1], shape[2])


def as_body_map(array: npt.NDArray[np.generic], name: str) -> UInt8Array:
    """Return a body map in this project's layout.

    Parameters
    ----------
    array
        Part, U and V, `[H, W, 3]` or `[3, H, W]`. Of floats the part is a whole number; U and V are 0 to 1 or 0 to 255.
        A picture that a library read as floats has all three divided by 255.
    name
        What messages call it.

    Returns
    -------
    array
        uint8 `[H, W, 3]`: part, U, V.

    Raises
    ------
    InputError
        When it is none of these.

    Examples
    --------
    >>> as_body_map(np.array([[[2.0]], [[0.5]], [[1.0]]]), "map.npy").tolist()
    [[[2, 128, 255]]]
    """
    height, width = check_layout(array, name)
    channels = array if array.shape == (height, width, 3) else np.moveaxis(array, 0, 2)
    if channels.dtype == np.uint8:
        return np.ascontiguousarray(channels, dtype=np.uint8)
    values = np.asarray(channels, dtype=np.float32)
    low, high = values.min(), values.max()
    if not (low >= 0 and high <= 255):  # not a number fails this too
        raise InputError(f"{name}: values from {low:g} to {high:g} found; allowed: {_ALLOWED}")
    if not _whole(values[..., 0]) and _whole(values[..., 0] * 255):
        values = values * 255
    parts, coordinates = values[..., :1], values[..., 1:]
    if not _whole(parts):
        raise InputError(f"{name}: parts that are no whole numbers found; allowed: {_ALLOWED}")
    if channels.dtype.kind == "f" and coordinates.max() <= 1:
        coordinates = coordinates * 255
    return np.ascontiguousarray(np.rint(np.concatenate([parts, coordinates], axis=2)).astype(np.uint8))


def looks_reversed(densepose: UInt8Array) -> bool:
    """Tell whether the last channel of a body map `[H, W, 3]`, not the first, holds parts, as OpenCV writes pictures.

    Examples
    --------
    >>> looks_reversed(np.array([[[200, 90, 24], [0, 0, 0]]], np.uint8))
    True
    """
    first, last = densepose[..., 0], densepose[..., 2]
    holds_parts = 0 < last.max() < NUM_BODY_PARTS <= first.max()
    return bool(holds_parts and not first[last == 0].any())  # where there is no body nothing is written


def part_hint(densepose: UInt8Array) -> str:
    """Return what to say about a body map `[H, W, 3]` whose first channel holds more than parts; may be empty."""
    if looks_reversed(densepose):
        return (
            "; its channels look reversed (BGR, as cv2.imwrite stores an RGB array): "
            "oviton import PHOTO --labels FILE --densepose FILE --densepose-from bgr -o FOLDER reads it"
        )
    return ""


def place_box(densepose: UInt8Array, box: tuple[int, ...], size: tuple[int, int], name: str) -> UInt8Array:
    """Return a body map of a whole photograph from that of a box in it.

    Parameters
    ----------
    densepose
        `[h, w, 3]`.
    box
        Left and top in the photograph's pixels; with right and bottom it is resized to them, by nearest neighbour.
    size
        Height and width of the photograph.
    name
        What messages call it.

    Returns
    -------
    array
        `[H, W, 3]`, 0 outside the box. What lies outside the photograph is cut off.

    Raises
    ------
    InputError
        When the box lies outside the photograph.

    Examples
    --------
    >>> place_box(np.full((1, 1, 3), 9, np.uint8), (1, 0), (1, 3), "map")[..., 0].tolist()
    [[0, 9, 0]]
    """
    left, top = box[:2]
    right, bottom = box[2:] or (left + densepose.shape[1], top + densepose.shape[0])
    height, width = size
    if not (left < right and top < bottom and right > 0 and bottom > 0 and left < width and top < height):
        raise InputError(
            f"{name}: the box {left},{top},{right},{bottom} is empty or outside the photograph ({width}x{height}); "
            "allowed: LEFT,TOP or LEFT,TOP,RIGHT,BOTTOM in its pixels"
        )
    rows = _sources(np.arange(max(0, top), min(height, bottom)) - top, densepose.shape[0], bottom - top)
    columns = _sources(np.arange(max(0, left), min(width, right)) - left, densepose.shape[1], right - left)
    whole = np.zeros((*size, 3), np.uint8)
    inside = densepose[rows[:, None], columns]
    whole[max(0, top) :, max(0, left) :][: len(rows), : len(columns)] = inside
    return whole


def resize_nearest(array: UInt8Array, size: tuple[int, int]) -> UInt8Array:
    """Return an array `[h, w, ...]` of ids at another height and width; no id is mixed from others."""
    rows, columns = (_sources(np.arange(new), old, new) for new, old in zip(size, array.shape, strict=False))
    resized: UInt8Array = array[rows[:, None], columns]
    return resized


def _sources(places: npt.NDArray[np.intp], old: int, new: int) -> npt.NDArray[np.intp]:
    """Return which of `old` pixels the middles of some of `new` ones lie in."""
    return (places * 2 + 1) * old // (2 * new)


def _whole(values: npt.NDArray[np.float32]) -> bool:
    # A thousandth is more than a float32 loses on its way.
    return bool((np.abs(values - np.rint(values)) < 1e-3).all()) and values.max() < NUM_BODY_PARTS
