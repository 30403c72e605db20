"""Who is meant among the people whom a photograph's labels and body map mark: the one to dress, or to undress."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ..data.body_parts import HEAD_PARTS
from ..data.classes import ids
from ..data.images import UInt8Array

APART = 0.05
"""What is farther apart sideways, as a share of the height of all that is marked, is not one figure."""

SPECK = 0.005
"""What stands apart and is a smaller share of all that is marked is a parser's mistake, not a part of anybody."""

_HEAD = ids("hair", "face")


@dataclass(frozen=True)
class Subject:
    """The one person of a photograph who counts.

    Parameters
    ----------
    box
        All that is marked of them: left, top, right, bottom, in pixels.
    others
        Columns of what is marked and not theirs. Default: nothing is.
    company
        Whether somebody else is labelled. Default: nobody.
    """

    box: tuple[int, int, int, int]
    others: Sequence[slice] = field(default=())
    company: bool = False

    def alone(self, marks: UInt8Array) -> UInt8Array:
        """Return labels `[h, w]` or a body map `[h, w, 3]` without anybody else; itself where nobody else is."""
        if not self.others:
            return marks
        left = marks.copy()
        for columns in self.others:
            left[:, columns] = 0
        return left


def find_subject(labels: UInt8Array, body: UInt8Array | None, wanted: Sequence[int] = ()) -> Subject | None:
    """Return the person who is meant; None when nothing is marked.

    What is marked falls into groups where no column is marked for a while, and each group belongs to the nearest one
    with a head. The person who is meant has most of what is wanted, on the body map if that shows any of it.

    Parameters
    ----------
    labels
        CIHP labels `[h, w]`.
    body
        Body map `[h, w, 3]`, if there is one.
    wanted
        Classes that are to be taken from them. Default: every class; who is to be dressed is wanted whole.

    Examples
    --------
    >>> labels = np.zeros((100, 90), np.uint8)
    >>> labels[10:90, 10:30], labels[20:90, 60:75] = 13, 13
    >>> find_subject(labels, None)
    Subject(box=(10, 10, 30, 90), others=[slice(60, 75, None)], company=True)
    """
    marked = _Marks(labels, body)
    groups = marked.groups()
    if not groups:
        return None
    if len(groups) == 1:
        return Subject(marked.box(groups))
    looks = [marked.look(columns, wanted) for columns in groups]
    enough = SPECK * sum(look.size for look in looks)
    parts = [look for look in looks if look.size >= enough or (wanted and look.wanted)] or looks
    people = [look for look in parts if look.has_head]
    figures = [parts] if len(people) < 2 else _figures(parts, people)
    seen = any(look.wanted_on_body for look in looks)
    meant = max(figures, key=lambda figure: sum(look.wanted_on_body if seen else look.wanted for look in figure))
    theirs = [look.columns for look in meant]
    company = any(look.labelled for figure in figures if figure is not meant for look in figure)
    return Subject(marked.box(theirs), [columns for columns in groups if columns not in theirs], company)


@dataclass(frozen=True)
class _Look:
    """What is in a group of columns: how many pixels are marked, labelled, wanted, wanted and on the body map."""

    columns: slice
    size: int
    labelled: int
    wanted: int
    wanted_on_body: int
    has_head: bool


class _Marks:
    """What labels and body map mark, rows and columns at a time; photographs have tens of millions of pixels."""

    def __init__(self, labels: UInt8Array, body: UInt8Array | None) -> None:
        self.labels, self.body = labels, body

    def groups(self) -> list[slice]:
        """Return the columns of everything that stands apart, from the left."""
        columns = self.labels.max(axis=0) > 0
        if self.body is not None:
            columns |= self.body.max(axis=0)[:, 0] > 0
        found = np.flatnonzero(columns)
        if not len(found):
            return []
        top, bottom = self._rows(slice(0, len(columns)))
        ends = np.flatnonzero(np.diff(found) > 1 + APART * (bottom - top))
        starts, stops = found[[0, *(ends + 1)]], found[[*ends, -1]] + 1
        return [slice(int(start), int(stop)) for start, stop in zip(starts, stops, strict=True)]

    def box(self, groups: Sequence[slice]) -> tuple[int, int, int, int]:
        """Return the box of some groups."""
        rows = [self._rows(columns) for columns in groups]
        left, right = min(columns.start for columns in groups), max(columns.stop for columns in groups)
        return left, min(top for top, _ in rows), right, max(bottom for _, bottom in rows)

    def look(self, columns: slice, wanted: Sequence[int]) -> _Look:
        """Count what is in a group."""
        labels = self.labels[:, columns]
        part = np.zeros_like(labels) if self.body is None else self.body[:, columns, 0]
        of_these: npt.NDArray[np.bool_] = np.isin(labels, wanted) if wanted else labels > 0
        return _Look(
            columns,
            int(np.count_nonzero(labels | part)),
            int(np.count_nonzero(labels)),
            int(np.count_nonzero(of_these)),
            int(np.count_nonzero(of_these & (part > 0))),
            bool(np.isin(labels, _HEAD).any() or part.max() >= min(HEAD_PARTS)),
        )

    def _rows(self, columns: slice) -> tuple[int, int]:
        rows = self.labels[:, columns].max(axis=1) > 0
        if self.body is not None:
            # Few are left to look at: where the body is, labels are.
            blank = np.flatnonzero(~rows & (self.body.reshape(len(rows), -1).max(axis=1) > 0))
            rows[blank] = self.body[blank][:, columns, 0].max(axis=1) > 0
        found = np.flatnonzero(rows)
        return int(found[0]), int(found[-1]) + 1


def _figures(parts: Sequence[_Look], people: Sequence[_Look]) -> list[list[_Look]]:
    """Return for each who has a head all that is theirs: themselves, and what is nearer to them than to others."""
    figures: list[list[_Look]] = [[] for _ in people]
    for part in parts:
        gaps = [max(who.columns.start - part.columns.stop, part.columns.start - who.columns.stop) for who in people]
        figures[int(np.argmin(gaps))].append(part)
    return figures
