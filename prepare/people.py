"""People in what the first look at a picture returns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..data.images import UInt8Array
from .place import Box

PRESENT = 128
"""A pixel whose value is at least this is on a person."""

STRIDE = 4
"""So many of a look's pixels, each way, share one that says where people are."""

SAMPLES = 400
"""At most so many pixels vote."""

SAME = 0.5
"""Boxes that overlap by this intersection over union are one person's."""

SMALLEST_SHARE = 0.1
"""Whoever gets a smaller share of the votes than this share of the largest person's is left out."""


@dataclass(frozen=True)
class Found:
    """A person who was found.

    Parameters
    ----------
    box
        Left, top, right and bottom, in the look's pixels.
    votes
        How many of its pixels say so.
    """

    box: Box
    votes: int

    @property
    def area(self) -> float:
        """Of the box."""
        left, top, right, bottom = self.box
        return (right - left) * (bottom - top)


def find_people(people: UInt8Array) -> list[Found]:
    """Return the people in a look, the largest first.

    Every pixel that is on a person says where that person's box is; boxes on which many agree are people.

    Parameters
    ----------
    people
        The graph's `people`, uint8 `[5, h, w]`: presence, and the distances to the box's four sides.
    """
    rows, columns = np.nonzero(people[0] >= PRESENT)
    step = max(1, -(-len(rows) // SAMPLES))
    boxes = _boxes(people, rows[::step], columns[::step])
    agree = overlaps(boxes, boxes) > SAME
    left = np.ones(len(boxes), bool)
    found: list[Found] = []
    while left.any():
        votes = (agree & left).sum(axis=1) * left
        best = int(votes.argmax())
        if found and votes[best] < SMALLEST_SHARE * found[0].votes:
            break
        members = agree[best] & left
        box = np.median(boxes[members], axis=0) * STRIDE
        found.append(Found(tuple(float(value) for value in box), int(votes[best])))  # type: ignore[arg-type]
        left &= ~members
    return sorted(found, key=lambda person: -person.area)


def find_others(people: UInt8Array, box: Box) -> npt.NDArray[np.bool_]:
    """Return which pixels of a look are on somebody else than the person in a box, `[h, w]`.

    Parameters
    ----------
    people
        As for `find_people`.
    box
        In the look's pixels.
    """
    height, width = people.shape[1:]
    others: npt.NDArray[np.bool_] = people[0] >= PRESENT
    rows, columns = np.nonzero(others)
    own = np.clip(np.array([box]) / STRIDE, 0, (width, height, width, height))
    others[rows, columns] = overlaps(_boxes(people, rows, columns), own)[:, 0] <= SAME
    return others


def _boxes(people: UInt8Array, rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
    """Return the boxes that pixels say, `[n, 4]`."""
    height, width = people.shape[1:]
    shares = people[1:, rows, columns].astype(np.float64) / 255 * height
    x, y = columns + 0.5, rows + 0.5
    boxes = np.stack([x - shares[0], y - shares[1], x + shares[2], y + shares[3]], axis=1)
    return np.asarray(np.clip(boxes, 0, (width, height, width, height)))


def overlaps(first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the intersection over union of boxes `[n, 4]` and `[m, 4]`, `[n, m]`."""
    sides = [
        np.minimum.outer(first[:, end], second[:, end]) - np.maximum.outer(first[:, start], second[:, start])
        for start, end in ((0, 2), (1, 3))
    ]
    both = np.maximum(sides[0], 0) * np.maximum(sides[1], 0)
    areas = [(each[:, 2:] - each[:, :2]).prod(axis=1) for each in (first, second)]
    either = areas[0][:, None] + areas[1][None] - both
    return np.asarray(both / np.maximum(either, 1e-9))
