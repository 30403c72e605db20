"""Which of the people in a photograph is meant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from ..data.errors import InputError
from .people import Found

Who = Literal["largest", "left", "right"] | tuple[int, int]
"""A person by size or side, as seen in the photograph, or by a point on them: x and y in pixels."""

LARGEST: Who = "largest"
_WORDS: dict[str, Who] = {"largest": "largest", "left": "left", "right": "right"}

_ALLOWED = "largest, left, right, or a point X,Y in pixels"


def parse_who(text: str) -> Who:
    """Read ``"largest"``, ``"left"``, ``"right"`` or ``"X,Y"``.

    Raises
    ------
    InputError
        When it is something else.

    Examples
    --------
    >>> parse_who("LEFT"), parse_who("120,300")
    ('left', (120, 300))
    """
    word = text.strip().lower()
    if word in _WORDS:
        return _WORDS[word]
    x, _, y = word.partition(",")
    try:
        return int(x), int(y)
    except ValueError:
        raise InputError(f"--person {text!r}: allowed: {_ALLOWED}") from None


def choose(people: Sequence[Found], who: Who, name: str) -> Found:
    """Choose one of the people in a photograph.

    Parameters
    ----------
    people
        Those who were found.
    who
        Whom to take.
    name
        What messages call the photograph.

    Raises
    ------
    InputError
        When nobody was found, or nobody at the point.
    """
    if not people:
        raise nobody(name)
    if who == "left":
        return min(people, key=lambda person: person.box[0] + person.box[2])
    if who == "right":
        return max(people, key=lambda person: person.box[0] + person.box[2])
    if isinstance(who, str):
        return max(people, key=lambda person: person.area)
    x, y = who
    there = [p for p in people if p.box[0] <= x <= p.box[2] and p.box[1] <= y <= p.box[3]]
    if not there:
        boxes = "; ".join(",".join(f"{value:.0f}" for value in person.box) for person in people)
        raise InputError(f"{name}: nobody at {x},{y}; people are at left,top,right,bottom {boxes}")
    # Of boxes that overlap, the one in whose middle the point lies.
    return min(there, key=lambda p: abs(p.box[0] + p.box[2] - 2 * x) / (p.box[2] - p.box[0] + 1))


class NobodyError(InputError):
    """A photograph shows nobody."""


def nobody(name: str) -> NobodyError:
    """Return the error for a photograph that shows nobody."""
    return NobodyError(f"{name}: no person was found; take a photograph that shows one, upright and not too small")
