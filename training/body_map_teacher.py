"""BodyPix as a teacher of body maps.

What its applications leave alone, the offsets of its parts, are DensePose's U and V.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from ..data.images import UInt8Array
from ..data.optional import require
from ..prepare.adapters.bodypix import body_map

_BODYPIX_MIRRORED = (1, 0, 4, 5, 2, 3, 8, 9, 6, 7, 11, 10, 12, 13, 16, 17, 14, 15, 20, 21, 18, 19, 23, 22)

HEIGHTS = (321, 449)
"""The teacher looks at the person at these heights, and at mirror images, and its parts are averaged."""

MARGIN = 0.12
"""What the teacher sees around the person, as a share of the person's height."""

_OUTPUTS = ("segments", "part_heatmaps", "part_offsets")


@dataclass(frozen=True)
class Teacher:
    """What sees body maps.

    Parameters
    ----------
    model
        The network, compiled: ``segments``, ``part_heatmaps`` and ``part_offsets`` of pictures in [-1, 1].
    """

    model: Any

    @classmethod
    def load(cls, path: Path) -> Teacher:
        """Read an ONNX file with OpenVINO, on one thread."""
        openvino = require("openvino", extra="openvino", purpose="the teacher of body maps")
        core = openvino.Core()
        core.set_property("CPU", {"INFERENCE_NUM_THREADS": 1})
        return cls(core.compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"}))

    def __call__(self, image: UInt8Array) -> tuple[UInt8Array, UInt8Array]:
        """Return the body map `[H, W, 3]` of a picture `[H, W, 3]`, and that of its mirror image."""
        segments, parts = torch.zeros(1), torch.zeros(1)
        offsets = [torch.zeros(1), torch.zeros(1)]
        for height in HEIGHTS:
            for side, picture in enumerate((image, image[:, ::-1])):
                segment, part, offset = self._look(picture, height)
                offsets[side] = offsets[side] + offset / len(HEIGHTS)
                segments = segments + (segment.flip(2) if side else segment)
                parts = parts + (part.flip(2)[list(_BODYPIX_MIRRORED)] if side else part)
        plain = body_map(segments.numpy(), parts.numpy(), offsets[0].numpy())
        parts = parts.flip(2)[list(_BODYPIX_MIRRORED)]
        mirrored = body_map(segments.flip(2).numpy(), parts.numpy(), offsets[1].numpy())
        return plain, mirrored

    def _look(self, image: UInt8Array, height: int) -> tuple[Tensor, Tensor, Tensor]:
        width = round(image.shape[1] * height / image.shape[0] / 16) * 16 + 1
        small = Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR)
        answer = self.model(np.asarray(small, np.float32)[None] / 127.5 - 1)
        found = (torch.from_numpy(answer[name]).permute(0, 3, 1, 2) for name in _OUTPUTS)
        segments, parts, offsets = (
            F.interpolate(each, image.shape[:2], mode="bilinear", align_corners=True)[0] for each in found
        )
        return segments, parts, offsets


def around(person: npt.NDArray[np.bool_]) -> tuple[slice, slice]:
    """Return the rows and columns of a picture that the teacher sees: a person, `[H, W]`, and a margin."""
    rows, columns = np.nonzero(person)
    margin = round(MARGIN * (rows.max() - rows.min()))
    top, left = max(0, rows.min() - margin), max(0, columns.min() - margin)
    return slice(top, rows.max() + margin + 1), slice(left, columns.max() + margin + 1)
