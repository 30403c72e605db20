"""What every family does to pixels: normalise a crop, enlarge an answer."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

from ...data.images import UInt8Array
from .onnx_model import Floats

IMAGENET_MEAN = (0.485 * 255, 0.456 * 255, 0.406 * 255)
IMAGENET_DEVIATION = (0.229 * 255, 0.224 * 255, 0.225 * 255)
"""Of red, green and blue from 0 to 255."""

Colour = tuple[float, float, float]


def normalised(crop: UInt8Array, mean: Colour, deviation: Colour, *, bgr: bool = False) -> Floats:
    """Return a crop, RGB `[H, W, 3]`, as float32 `[1, 3, H, W]`: what is over the mean, in deviations.

    `mean` and `deviation` are in the network's order of channels; `bgr` puts blue first.

    Examples
    --------
    >>> normalised(np.array([[[9, 5, 1]]], np.uint8), (1, 5, 7), (2, 2, 2), bgr=True)[0, :, 0, 0].tolist()
    [0.0, 0.0, 1.0]
    """
    channels = crop[..., ::-1] if bgr else crop
    values = (channels - np.asarray(mean, np.float32)) / np.asarray(deviation, np.float32)
    return np.ascontiguousarray(np.moveaxis(values, 2, 0)[None])


def stretched(crop: UInt8Array, size: tuple[int, int]) -> UInt8Array:
    """Return a crop `[h, w, 3]` at another height and width, bilinear and without aliases."""
    if crop.shape[:2] == size:
        return crop
    return np.asarray(Image.fromarray(crop).resize((size[1], size[0]), Image.Resampling.BILINEAR))


def enlarged(values: Floats, size: tuple[int, int], *, align_corners: bool) -> Floats:
    """Return values `[..., h, w]` between which a larger height and width are filled linearly.

    With `align_corners` the middles of the corner pixels stay where they are, else the picture's corners do, as in
    PyTorch.

    Examples
    --------
    >>> enlarged(np.array([[0, 4]], np.float32), (1, 4), align_corners=False).tolist()
    [[0.0, 1.0, 3.0, 4.0]]
    >>> enlarged(np.array([[0, 6]], np.float32), (1, 4), align_corners=True).tolist()
    [[0.0, 2.0, 4.0, 6.0]]
    """
    for axis, new in zip((-2, -1), size, strict=True):
        values = _along(values, axis, _places(values.shape[axis], new, align_corners))
    return values


def _places(old: int, new: int, align_corners: bool) -> npt.NDArray[np.float64]:
    """Return where each of `new` pixels lies between `old` ones."""
    if align_corners:
        return np.linspace(0, old - 1, new)
    return np.clip((np.arange(new) + 0.5) * old / new - 0.5, 0, old - 1)


def _along(values: Floats, axis: int, places: npt.NDArray[np.float64]) -> Floats:
    before = places.astype(int)
    share = (places - before).astype(np.float32)
    if axis == -2:
        share = share[:, None]
    after = np.minimum(before + 1, values.shape[axis] - 1)
    taken = values.take(before, axis)
    between: Floats = taken + (values.take(after, axis) - taken) * share
    return between


def chosen(values: Floats, channels: npt.NDArray[np.intp]) -> UInt8Array:
    """Return of values `[C, H, W]` from 0 to 1 the one of each pixel's own channel, `[H, W]`, as 0 to 255.

    Examples
    --------
    >>> chosen(np.array([[[0.2, 0.2]], [[0.5, 1.7]]], np.float32), np.array([[0, 1]])).tolist()
    [[51, 255]]
    """
    own = np.take_along_axis(values, channels[None], axis=0)[0]
    levels: UInt8Array = np.rint(np.clip(own, 0, 1) * 255).astype(np.uint8)
    return levels
