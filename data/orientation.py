"""Whether maps of a photograph fit it as it is seen, or only its pixels as they are stored.

Cameras store turned or mirrored pixels and say, as EXIF orientation, how to show them. A program that does not heed
that makes labels of the stored pixels. A quarter turn shows in the size; a half turn or a mirror image does not. Such
labels cannot be mirrored back either: who made them took the right arm for a left one.

Where labels change, colours do: the outline of a body or a garment is an edge of the photograph. So a map that fits
meets more of the photograph's contrast along its borders than the same map turned as the pixels are stored. A body map
says nothing of clothes, which hide the body's outline; it overlaps the person whom the labels show.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from .errors import InputError

_Array = npt.NDArray[np.uint8]

_UPRIGHT: Mapping[int, Callable[[_Array], _Array]] = {
    2: np.fliplr,
    3: lambda array: np.rot90(array, 2),
    4: np.flipud,
    5: np.transpose,
    6: lambda array: np.rot90(array, -1),
    7: lambda array: np.rot90(array, 2).T,
    8: np.rot90,
}
"""What turns stored pixels upright, by EXIF orientation."""

_SIDE = 128
"""Pixels of the longer side at which maps are compared, so that labels may be a little beside the edge."""

_CLEARLY = 1.2
"""How much more contrast labels must meet as they are. Those that fit meet half as much again, mostly several times."""


def check_upright(
    path: Path,
    image: _Array,
    orientation: int,
    labels: tuple[Path, _Array],
    body: tuple[Path, _Array] | None = None,
) -> None:
    """Check that maps fit a photograph as its EXIF orientation shows it.

    Parameters
    ----------
    path
        The photograph's, for messages.
    image
        The photograph upright, RGB `[H, W, 3]`.
    orientation
        The EXIF orientation that was applied to it, 1 to 8.
    labels
        Its labels `[H, W]`, after their path.
    body
        Its body map `[H, W, 3]`, after its path, if there is one.

    Raises
    ------
    InputError
        When one does not fit clearly better than it would if it belonged to the stored pixels.

    Examples
    --------
    >>> image = np.zeros((40, 20, 3), np.uint8)
    >>> image[:25, :8] = 200
    >>> ids = (image[..., 0] > 0).astype(np.uint8)
    >>> check_upright(Path("image.jpg"), image, 2, (Path("labels.png"), ids))
    >>> check_upright(Path("image.jpg"), image, 2, (Path("labels.png"), np.fliplr(ids)))
    Traceback (most recent call last):
    oviton.data.errors.InputError: labels.png: does not fit image.jpg as its EXIF orientation 2 shows it; ...
    """
    height, width = image.shape[:2]
    if orientation == 1 or (orientation >= 5 and height != width):  # sizes that agree tell it then
        return
    turned = _UPRIGHT[orientation]
    contrast = _changes(_shrunk(image, Image.Resampling.BOX))
    ids = _shrunk(labels[1], Image.Resampling.NEAREST)
    met = _along_borders(contrast, ids)
    if met == 0 or met < _CLEARLY * _along_borders(contrast, turned(ids)):
        raise _unfit(labels[0], path, orientation)
    if body is not None:
        parts = _shrunk(body[1][..., 0], Image.Resampling.NEAREST)
        if _overlap(ids, parts) <= _overlap(ids, turned(parts)):
            raise _unfit(body[0], path, orientation)


def _unfit(where: Path, path: Path, orientation: int) -> InputError:
    return InputError(
        f"{where}: does not fit {path.name} as its EXIF orientation {orientation} shows it; save the photograph "
        "upright (without EXIF orientation), and make labels and body map of that"
    )


def _shrunk(array: _Array, how: Image.Resampling) -> _Array:
    scale = min(1.0, _SIDE / max(array.shape[:2]))
    size = [max(1, round(side * scale)) for side in array.shape[1::-1]]
    return np.asarray(Image.fromarray(array).resize(size, how))


def _overlap(ids: _Array, parts: _Array) -> float:
    """Return how well the person of labels and that of a body map cover each other, 0 to 1."""
    person, body = ids > 0, parts > 0
    return float((person & body).sum() / max(1, (person | body).sum()))


def _changes(array: _Array) -> tuple[npt.NDArray[np.int64], ...]:
    """Return how much each pixel differs from the next one of its row, and of its column, summed over channels."""
    values = np.atleast_3d(array).astype(np.int64)
    return tuple(np.abs(np.diff(values, axis=axis)).sum(axis=-1) for axis in (1, 0))


def _along_borders(contrast: tuple[npt.NDArray[np.int64], ...], regions: _Array) -> float:
    """Return the mean contrast between neighbours of different regions; 0 where there are none."""
    borders = [change > 0 for change in _changes(regions)]
    crossed = sum(int(border.sum()) for border in borders)
    met = sum(int(found[border].sum()) for found, border in zip(contrast, borders, strict=True))
    return met / max(1, crossed)
