"""What a body map that a user brings must do."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from ...data.images import UInt8Array
from ..place import Box


class BroughtBodyMap(Protocol):
    """A network for body maps that a user brought. `table.open_body_map` makes one."""

    @property
    def path(self) -> Path:
        """Its ONNX file."""
        ...

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the crops that it takes."""
        ...

    def __call__(self, crop: UInt8Array, box: Box) -> UInt8Array:
        """Return part, U and V `[H, W, 3]` of a crop `[H, W, 3]` of `size`, in which the person's box is known."""
        ...
