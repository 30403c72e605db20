"""Two looks at a photograph: all of it, to find people, and then one person at full size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..data.images import UInt8Array
from .people import STRIDE, Found, find_others, find_people
from .place import PADDING, Box, Place

Parser = Callable[[UInt8Array], tuple[UInt8Array, UInt8Array, UInt8Array]]
"""From a picture `[H, W, 3]`, its sides multiples of 32, to labels `[H, W]`, body map `[H, W, 3]` and people."""


@dataclass(frozen=True)
class Seen:
    """A person as the second look shows them.

    Parameters
    ----------
    image
        The crop, RGB `[H, W, 3]`.
    labels
        `[H, W]`.
    densepose
        `[H, W, 3]`.
    people
        Where people are, `[5, H / 4, W / 4]`; see `find_people`.
    place
        Where the crop lies in the photograph.
    """

    image: UInt8Array
    labels: UInt8Array
    densepose: UInt8Array
    people: UInt8Array
    place: Place

    def on_photograph(self, size: tuple[int, int]) -> tuple[UInt8Array, UInt8Array]:
        """Return labels and body map of the whole photograph of a height and a width."""
        back = self.place.inverse
        return back.nearest(self.labels, size), back.nearest(self.densepose, size, (0, 0, 0))

    def others_on_photograph(self, box: Box, size: tuple[int, int]) -> UInt8Array:
        """Return where in the whole photograph somebody else is than the person in a box of it, 0 or 1, `[H, W]`."""
        back = self.place.inverse
        others = find_others(self.people, back.box(box)).astype(np.uint8)
        return back.nearest(others.repeat(STRIDE, axis=0).repeat(STRIDE, axis=1), size)


def find(image: UInt8Array, parser: Parser, size: tuple[int, int]) -> list[Found]:
    """Look at all of a photograph, and return the people in it, their boxes in the photograph's pixels."""
    place = Place.whole((image.shape[0], image.shape[1]), size)
    _, _, people = parser(place.image(image, size, PADDING))
    return [Found(_moved(person.box, place, image), person.votes) for person in find_people(people)]


def look(image: UInt8Array, box: Box, parser: Parser, size: tuple[int, int]) -> Seen:
    """Look at the person in a box."""
    place = Place.of_box(box, size)
    crop = place.image(image, size, PADDING)
    return Seen(crop, *parser(crop), place)


def _moved(box: Box, place: Place, image: UInt8Array) -> Box:
    left, top, right, bottom = place.box(box)
    height, width = image.shape[:2]
    return max(0.0, left), max(0.0, top), min(right, float(width)), min(bottom, float(height))
