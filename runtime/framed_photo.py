"""`FramedPhoto`: the part of a photograph that the networks see, which follows the person."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from ..data.classes import BACKGROUND
from ..data.images import UInt8Array
from ..data.letterbox import Letterbox, Window
from .person import Garment, Person
from .subject import Subject

MARGIN = 0.05
"""Room around the person on each side, as a share of the box, as rendered people have it; what is worn may be wider
than what was."""

WORTH = 1.25
"""The whole photograph stays in the frame unless the person would become larger by this factor."""


@dataclass(frozen=True, eq=False)
class FramedPhoto:
    """A photograph with the part of it that fills the networks' frame.

    The part is the person's box with a margin, extended to the frame's shape and shifted into the photograph as far
    as possible; where the whole photograph shows the person about as large, it is the whole photograph.

    Made by `of`. What lies outside of the part, the networks neither see nor change.

    Parameters
    ----------
    photo
        The photograph.
    part
        The part's rows and columns.
    box
        Where the part lies in the frame.

    Examples
    --------
    >>> photo = Person.open("person/")
    >>> sides = ((0, 0), (400, 200), (0, 0))
    >>> image, body = (np.pad(array, sides) for array in (photo.image, photo.densepose))
    >>> wide = Person(image, np.pad(photo.labels, sides[:2]), body)
    >>> framed = FramedPhoto.of(wide, height=512, width=256)
    >>> framed.photo.labels.shape, framed.part
    ((512, 856), (slice(0, 512, None), slice(374, 630, None)))
    """

    photo: Person | Garment
    part: Window
    box: Letterbox

    @classmethod
    def of(cls, photo: Person | Garment, height: int, width: int) -> Self:
        """Frame a photograph for networks of this height and width."""
        part = frame_part(photo.subject, photo.labels.shape, (height, width))
        return cls(photo, part, Letterbox.of(photo.labels[part], height, width))

    @cached_property
    def labels(self) -> UInt8Array:
        """The part's labels, others than the person being background; not to be written to."""
        return self._part_of(self._alone(self.photo.labels))

    @cached_property
    def body(self) -> UInt8Array | None:
        """The part's body map, without anybody else, if there is one; not to be written to."""
        body = self.photo.densepose
        return None if body is None else self._part_of(self._alone(body))

    @cached_property
    def image(self) -> UInt8Array:
        """The part's picture; not to be written to."""
        return self._part_of(self.photo.image)

    def fit(self) -> tuple[UInt8Array, UInt8Array, UInt8Array]:
        """Return image, labels and body map, zeros where there is none, at the networks' size."""
        frame = self.box.height, self.box.width, 3
        body = np.zeros(frame, np.uint8) if self.body is None else self.box.fit_labels(self.body)
        return self.box.fit_image(self.image), self.box.fit_labels(self.labels), body

    def fit_labels(self, labels: UInt8Array) -> UInt8Array:
        """Return other labels `[h, w]` of the same photograph at the networks' size."""
        return self.box.fit_labels(self._part_of(labels))

    @property
    def is_whole(self) -> bool:
        """Whether the networks see all of the photograph."""
        return self.photo.labels.shape == (self.box.photo_height, self.box.photo_width)

    def with_others(self, labels: UInt8Array, window: Window | None = None) -> UInt8Array:
        """Return new labels, of a window of the photograph or all, with other people's where nothing covers them."""
        if self.photo.subject is None or not self.photo.subject.others:
            return labels
        own = self.photo.labels
        others = np.where(self.photo.subject.alone(own) == BACKGROUND, own, BACKGROUND)
        return np.where(labels == BACKGROUND, others if window is None else others[window], labels)

    def _part_of(self, array: UInt8Array) -> UInt8Array:
        # A copy, unless it is all: Pillow takes rows that do not follow on one another apart byte by byte.
        return np.ascontiguousarray(array[self.part])

    def _alone(self, marks: UInt8Array) -> UInt8Array:
        return marks if self.photo.subject is None else self.photo.subject.alone(marks)


def frame_part(subject: Subject | None, photo: tuple[int, ...], frame: tuple[int, int]) -> Window:
    """Return the part of a photograph that is fitted into the networks' frame.

    Parameters
    ----------
    subject
        The person; None when nothing is marked, and the whole photograph is the part.
    photo, frame
        Height and width of the photograph and of the frame, in pixels.
    """
    whole = slice(0, photo[0]), slice(0, photo[1])
    if subject is None:
        return whole
    left, top, right, bottom = subject.box
    rows, columns = _with_margin(top, bottom, photo[0]), _with_margin(left, right, photo[1])
    wide = max(columns.stop - columns.start, -(-(rows.stop - rows.start) * frame[1] // frame[0]))
    high = max(rows.stop - rows.start, round(wide * frame[0] / frame[1]))
    part = _placed(rows, high, photo[0]), _placed(columns, wide, photo[1])
    return part if _scale(part, frame) >= WORTH * _scale(whole, frame) else whole


def _with_margin(start: int, stop: int, size: int) -> slice:
    margin = round(MARGIN * (stop - start))
    return slice(max(0, start - margin), min(size, stop + margin))


def _placed(span: slice, length: int, size: int) -> slice:
    """Extend a span to both sides, to a length or all there is."""
    length = min(length, size)
    start = min(max(0, (span.start + span.stop - length) // 2), size - length)
    return slice(start, start + length)


def _scale(part: Window, frame: tuple[int, int]) -> float:
    """Return how many of the frame's pixels a pixel of the part becomes."""
    rows, columns = part
    high, wide = int(rows.stop - rows.start), int(columns.stop - columns.start)
    return min(frame[0] / high, frame[1] / wide)
