"""Contact sheets: rows of pictures that show what training sees and what it makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..data.classes import NUM_BODY_PARTS, PALETTE
from ..data.files import atomic_path
from ..data.images import UInt8Array, write_image

_GAP = 2
_WHITE = 255


def write_sheet(path: Path, rows: Sequence[Sequence[UInt8Array]]) -> None:
    """Write rows of equal pictures `[H, W, 3]` as one PNG."""
    padding = ((0, _GAP), (0, _GAP), (0, 0))
    lines = [np.concatenate([np.pad(each, padding, constant_values=_WHITE) for each in row], axis=1) for row in rows]
    with atomic_path(path) as temporary:
        write_image(temporary, np.concatenate(lines, axis=0), like=path)


def draw_labels(labels: npt.NDArray[np.integer[Any]]) -> UInt8Array:
    """Draw labels `[H, W]` in palette colours."""
    colours: UInt8Array = PALETTE[labels]
    return colours


def draw_body_map(densepose: npt.NDArray[np.integer[Any]]) -> UInt8Array:
    """Draw a body map `[H, W, 3]`: the part as brightness, U and V as colours."""
    part, u, v = (densepose[..., index].astype(np.float32) for index in range(3))
    drawn = np.stack([part * 255 / (NUM_BODY_PARTS - 1), u, v], axis=-1)
    return np.where(densepose[..., :1] > 0, drawn, 20).astype(np.uint8)
