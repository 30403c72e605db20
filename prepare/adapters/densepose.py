"""DensePose with charts, as its R50 models are exported.

In: one picture, uint8 `[H, W, 3]`, blue first. Out, n people: ``coarse_segm`` `[n, 2 or 15, s, s]`, ``fine_segm``,
``u`` and ``v`` `[n, 25, s, s]`, found by the end of their names, and else by their shapes in this order. Boxes,
`[n, 4]` (left, top, right, bottom in the picture), are optional; without them n is 1 and the answer fills the picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...data.body_map_layouts import place_box
from ...data.classes import NUM_BODY_PARTS
from ...data.errors import InputError
from ...data.images import UInt8Array
from ..people import overlaps
from ..place import Box
from .onnx_model import Floats, OnnxModel
from .pixels import chosen, enlarged

SIZE = (1200, 800)
"""Height and width of the picture where the file leaves them open: its networks see a short side of 800."""

_OUTPUTS = ("coarse_segm", "fine_segm", "u", "v")
_MAPS = (None, None, None, None)
_CHARTS = (None, NUM_BODY_PARTS, None, None)


class DensePose:
    """A DensePose that a user brought; see `BroughtBodyMap`.

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
        self._model = OnnxModel(path, "densepose", "uint8", (None, None, 3))
        self.size = self._model.picture_size(0, SIZE)
        self._model.outputs_like(_CHARTS, count=3)
        self._model.outputs_like(_MAPS, count=4)

    @property
    def path(self) -> Path:
        """Its ONNX file."""
        return self._model.path

    def __call__(self, crop: UInt8Array, box: Box) -> UInt8Array:
        """Return part, U and V `[H, W, 3]` of whom the network sees in a box of a crop; zeros where nobody is."""
        answer = self._model.run(np.ascontiguousarray(crop[..., ::-1]))
        maps = [answer[index] for index in self._find(answer)]
        boxes = self._boxes(answer, len(maps[0]))
        shares = overlaps(boxes, np.array([box]))[:, 0]
        if not shares.any():
            return np.zeros_like(crop)
        best = int(shares.argmax())
        left, top, right, bottom = boxes[best]
        size = max(int(bottom - top), 1), max(int(right - left), 1)
        return place_box(_read([each[best] for each in maps], size), (int(left), int(top)), self.size, str(self.path))

    def _find(self, answer: Sequence[npt.NDArray[Any]]) -> list[int]:
        """Return which outputs are coarse and fine parts, U and V: by their names, and else by shapes and order."""
        charts = self._model.outputs_like(_CHARTS, answer, count=3)
        maps = self._model.outputs_like(_MAPS, answer, count=4)
        named = [index for end in _OUTPUTS for index in maps if f"_{self._model.names[index]}".endswith(f"_{end}")]
        if len(named) == len(_OUTPUTS):
            return named
        return [next(index for index in maps if index not in charts[:3]), *charts[:3]]

    def _boxes(self, answer: Sequence[npt.NDArray[Any]], count: int) -> npt.NDArray[np.float64]:
        found = [array for array in answer if array.shape == (count, 4)]
        if not found and count > 1:
            raise InputError(
                f"{self.path}: found {count} people without boxes; densepose expects one person, or boxes [?, 4]"
            )
        height, width = self.size
        return np.asarray(found[0] if found else [(0, 0, width, height)] * count, np.float64).reshape(count, 4)


def _read(maps: Sequence[Floats], size: tuple[int, int]) -> UInt8Array:
    """Return part, U and V of one person's box."""
    coarse, fine, u, v = (enlarged(each, size, align_corners=False) for each in maps)
    part = fine.argmax(axis=0) * (coarse.argmax(axis=0) > 0)
    values = [chosen(each, part) * (part > 0) for each in (u, v)]
    return np.stack([part.astype(np.uint8), *values], axis=2)
