"""BodyPix, whose `part_offsets` are DensePose's U and V.

In: one picture, float32 `[1, H, W, 3]`, RGB / 127.5 − 1, whose sides are 16k + 1. Out, found by their channels:
``segments`` (1; above 0 is body), ``part_heatmaps`` (24) and ``part_offsets`` (48; U and V part by part).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...data.errors import InputError
from ...data.images import UInt8Array
from ..place import Box
from .onnx_model import Floats, OnnxModel
from .pixels import chosen, enlarged

SIZE = (449, 305)
"""Height and width of the picture where the file leaves them open."""

PARTS = (24, 23, 17, 15, 18, 16, 21, 19, 22, 20, 4, 3, 2, 1, 10, 8, 9, 7, 14, 12, 13, 11, 5, 6)
"""Its parts as DensePose's."""

_CHANNELS = (1, len(PARTS), 2 * len(PARTS))
"""Of segments, heat maps and offsets."""


class BodyPix:
    """A BodyPix that a user brought; see `BroughtBodyMap`.

    Parameters
    ----------
    path
        Its ONNX file.

    Raises
    ------
    InputError
        When the file is not of this family.
    """

    def __init__(self, path: Path | str) -> None:
        self._model = OnnxModel(path, "bodypix", "float", (1, None, None, 3))
        height, width = self._model.picture_size(1, SIZE)
        if height % 16 != 1 or width % 16 != 1:
            raise InputError(f"{path}: found an input {height} high, {width} wide; bodypix expects sides of 16k + 1")
        self.size = (height, width)
        for channels in _CHANNELS:
            self._model.outputs_like((1, None, None, channels))

    @property
    def path(self) -> Path:
        """Its ONNX file."""
        return self._model.path

    def __call__(self, crop: UInt8Array, box: Box) -> UInt8Array:
        """Return part, U and V `[H, W, 3]` of everybody in a crop; the box does not matter."""
        answer = self._model.run(crop.astype(np.float32)[None] / 127.5 - 1)
        segments, heat, offsets = (
            np.moveaxis(answer[self._model.outputs_like((1, None, None, channels), answer)[0]][0], 2, 0)
            for channels in _CHANNELS
        )
        return body_map(*(enlarged(each, self.size, align_corners=True) for each in (segments, heat, offsets)))


def body_map(segments: Floats, heat: Floats, offsets: Floats) -> UInt8Array:
    """Return part, U and V of what BodyPix says at each pixel.

    Parameters
    ----------
    segments
        `[1, H, W]`; above 0 is body.
    heat
        How likely each of BodyPix's parts is, `[24, H, W]`.
    offsets
        U and V of each part, `[48, H, W]`.

    Returns
    -------
    array
        uint8 `[H, W, 3]`, zeros off the body.

    Examples
    --------
    >>> heat, offsets = np.zeros((24, 1, 1), np.float32), np.zeros((48, 1, 1), np.float32)
    >>> heat[2], offsets[4], offsets[5] = 1, 0.2, 1.0
    >>> body_map(np.ones((1, 1, 1), np.float32), heat, offsets).tolist()
    [[[17, 51, 255]]]
    """
    best = heat.argmax(axis=0)
    part = np.array(PARTS, np.uint8)[best]
    values = np.stack([part, *(chosen(offsets[axis::2], best) for axis in range(2))], axis=2)
    answer: UInt8Array = values * (segments[0] > 0)[..., None]
    return answer
