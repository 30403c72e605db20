"""Parsers that users bring: a normalised picture in, logits of a convention's ids out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...data.conventions import CONVENTIONS, LabelConvention
from ...data.images import UInt8Array
from ..place import PADDING
from .onnx_model import OnnxModel
from .pixels import IMAGENET_DEVIATION, IMAGENET_MEAN, Colour, enlarged, normalised, stretched


@dataclass(frozen=True)
class ParserFamily:
    """How a family of parsers is fed and read.

    Its networks take float32 `[1, 3, H, W]` and return logits `[1, ids, h, w]` of any stride, under any name. Of
    several such outputs the last counts.

    Parameters
    ----------
    name
        As ``--parser`` takes it.
    convention
        What its ids mean; see `data.conventions`.
    size
        Height and width that the network takes.
    mean, deviation
        What pixels, 0 to 255, are normalised by, in the network's order of channels. Default: ImageNet's.
    bgr
        Whether blue comes first. Default: no.
    frame
        Height and width of the crop that is stretched to `size`. Default: `size`, nothing is stretched.
    border
        RGB beyond the photograph. Default: ImageNet's mean.
    align_corners
        Whether logits are enlarged with the middles of the corner pixels in place. Default: no.
    """

    name: str
    convention: str
    size: tuple[int, int]
    mean: Colour = IMAGENET_MEAN
    deviation: Colour = IMAGENET_DEVIATION
    bgr: bool = False
    frame: tuple[int, int] | None = None
    border: tuple[int, int, int] = PADDING
    align_corners: bool = False


class BroughtParser:
    """A parser that a user brought. `table.open_parser` makes one.

    Parameters
    ----------
    family
        How it is fed and read.
    path
        Its ONNX file.

    Raises
    ------
    InputError
        When the file is not of the family.
    """

    def __init__(self, family: ParserFamily, path: Path | str) -> None:
        self._family = family
        self._model = OnnxModel(path, family.name, "float", (1, 3, *family.size))
        self._logits = (1, len(self.convention.targets), None, None)
        self._model.outputs_like(self._logits)

    @property
    def path(self) -> Path:
        """Its ONNX file."""
        return self._model.path

    @property
    def convention(self) -> LabelConvention:
        """What its ids mean."""
        return CONVENTIONS[self._family.convention]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the crops that it takes."""
        return self._family.frame or self._family.size

    @property
    def border(self) -> tuple[int, int, int]:
        """RGB beyond the photograph."""
        return self._family.border

    def __call__(self, crop: UInt8Array) -> UInt8Array:
        """Return the ids, in its convention, of a crop `[H, W, 3]` of `size`, `[H, W]`."""
        family = self._family
        picture = normalised(stretched(crop, family.size), family.mean, family.deviation, bgr=family.bgr)
        answer = self._model.run(picture)
        logits = answer[self._model.outputs_like(self._logits, answer)[-1]][0]
        ids: UInt8Array = (
            enlarged(logits, self.size, align_corners=family.align_corners).argmax(axis=0).astype(np.uint8)
        )
        return ids
