"""Fitting a photograph of any size to a network's size, and the way back.

The aspect ratio is kept: the photograph is scaled to fit and centred, and what is left over is padding.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from PIL import Image

from .images import UInt8Array

REDUCING_GAP = 3.0
"""How many times larger than asked for an average of pixels must be to stand for them, as Pillow advises."""

Window = tuple[slice, slice]
"""A part of a photograph: rows and columns, each from a start to a stop."""


@dataclass(frozen=True)
class Letterbox:
    """Where a photograph lies inside a network's frame.

    Parameters
    ----------
    photo_height, photo_width
        Size of the photograph, in pixels.
    height, width
        Size of the network's frame, in pixels.

    Examples
    --------
    >>> box = Letterbox(photo_height=300, photo_width=300, height=256, width=128)
    >>> box.box, box.photo_pixels
    ((0, 64, 128, 192), 3)
    >>> labels = box.fit_labels(np.full((300, 300), 5, np.uint8))
    >>> labels.shape, box.restore_labels(labels).shape
    ((256, 128), (300, 300))
    """

    photo_height: int
    photo_width: int
    height: int
    width: int

    @classmethod
    def of(cls, labels: UInt8Array, height: int, width: int) -> Letterbox:
        """Return where a photograph with these labels `[h, w]` lies in a frame."""
        return cls(labels.shape[0], labels.shape[1], height, width)

    @property
    def box(self) -> tuple[int, int, int, int]:
        """The photograph's rectangle in the frame: left, top, right, bottom."""
        scale = min(self.height / self.photo_height, self.width / self.photo_width)
        inner_height = min(self.height, max(1, round(self.photo_height * scale)))
        inner_width = min(self.width, max(1, round(self.photo_width * scale)))
        left, top = (self.width - inner_width) // 2, (self.height - inner_height) // 2
        return left, top, left + inner_width, top + inner_height

    @property
    def is_identity(self) -> bool:
        """Whether the photograph already has the network's size."""
        return (self.photo_height, self.photo_width) == (self.height, self.width)

    @property
    def photo_pixels(self) -> int:
        """How many of the photograph's pixels, in a row, a pixel of the frame spans; at least 1, rounded up."""
        return max(1, -(-self.photo_height // self.height), -(-self.photo_width // self.width))

    def fit_image(self, image: UInt8Array) -> UInt8Array:
        """Scale RGB `[h, w, 3]` into `[H, W, 3]`; the padding repeats the photograph's border."""
        return self._fit(image, Image.Resampling.LANCZOS, mode="edge")

    def fit_labels(self, labels: UInt8Array) -> UInt8Array:
        """Scale labels `[h, w]` or a body map `[h, w, 3]` with nearest samples; the padding is background."""
        return self._fit(labels, Image.Resampling.NEAREST, mode="constant")

    @property
    def whole(self) -> Window:
        """All of the photograph."""
        return slice(0, self.photo_height), slice(0, self.photo_width)

    def restore_image(self, image: UInt8Array, window: Window | None = None) -> UInt8Array:
        """Cut the photograph's part out of `[H, W, 3]` and scale it back to `[h, w, 3]`, or a window of that."""
        if self.is_identity:
            return image[window or self.whole]
        left, top, right, bottom = self.box
        rows, columns = window or self.whole
        across, down = (right - left) / self.photo_width, (bottom - top) / self.photo_height
        inner = Image.fromarray(image[top:bottom, left:right])
        # First across, then down: Pillow chooses by size, and a window must not differ from the whole.
        # Rounding must not lead beyond the picture.
        part = (columns.start * across, 0, min(columns.stop * across, inner.width), inner.height)
        inner = inner.resize((columns.stop - columns.start, inner.height), Image.Resampling.BICUBIC, box=part)
        part = (0, rows.start * down, inner.width, min(rows.stop * down, inner.height))
        return np.asarray(inner.resize((inner.width, rows.stop - rows.start), Image.Resampling.BICUBIC, box=part))

    def restore_labels(self, labels: UInt8Array, window: Window | None = None) -> UInt8Array:
        """Bring `[H, W]` back to the photograph's `[h, w]`, or to a window of it, with nearest samples."""
        if self.is_identity:
            return labels[window or self.whole]
        rows, columns = window or self.whole
        found: UInt8Array = labels[:, self.sampled_columns[columns]][self.sampled_rows[rows]]
        return found

    @cached_property
    def sampled_rows(self) -> npt.NDArray[np.intp]:
        """Which of the frame's rows each of the photograph's shows, `[h]`."""
        return _nearest(self.photo_height, self.box[1], self.box[3])

    @cached_property
    def sampled_columns(self) -> npt.NDArray[np.intp]:
        """Which of the frame's columns each of the photograph's shows, `[w]`."""
        return _nearest(self.photo_width, self.box[0], self.box[2])

    def _fit(self, array: UInt8Array, resampling: Image.Resampling, mode: str) -> UInt8Array:
        if self.is_identity:
            return array
        left, top, right, bottom = self.box
        # Photographs many times larger are averaged down first, which is four times as fast and off by a level or two.
        gap = None if resampling == Image.Resampling.NEAREST else REDUCING_GAP
        inner = np.asarray(Image.fromarray(array).resize((right - left, bottom - top), resampling, reducing_gap=gap))
        pad = [(top, self.height - bottom), (left, self.width - right), (0, 0)][: array.ndim]
        return np.pad(inner, pad, mode=mode)  # type: ignore[call-overload,no-any-return]  # mode is a plain str


def _nearest(count: int, start: int, stop: int) -> npt.NDArray[np.intp]:
    """Return the nearest of the places from `start` to `stop` for each of so many, as Pillow chooses it."""
    ramp = Image.fromarray(np.arange(start, stop, dtype=np.int32)[None])
    places: npt.NDArray[np.intp] = np.asarray(ramp.resize((count, 1), Image.Resampling.NEAREST))[0].astype(np.intp)
    return places
