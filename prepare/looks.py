"""Two looks at a photograph: all of it, to find people, and then one person at full size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..data.images import UInt8Array
from .people import Found, find_people
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
    place
        Where the crop lies in the photograph.
    """

    image: UInt8Array
    labels: UInt8Array
    densepose: UInt8Array
    place: Place

    def on_photograph(self, size: tuple[int, int]) -> tuple[UInt8Array, UInt8Array]:
        """Return labels and body map of the whole photograph of a height and a width."""
        back = self.place.inverse
        return back.nearest(self.labels, size), back.nearest(self.densepose, size, (0, 0, 0))


def find(image: UInt8Array, parser: Parser, size: tuple[int, int]) -> list[Found]:
    """Look at all of a photograph, and return the people in it, their boxes in the photograph's pixels."""
    place = Place.whole((image.shape[0], image.shape[1]), size)
    _, _, people = parser(place.image(image, size, PADDING))
    return [Found(_moved(person.box, place, image), person.votes) for person in find_people(people)]


def look(image: UInt8Array, box: Box, parser: Parser, size: tuple[int, int]) -> Seen:
    """Look at the person in a box."""
    place = Place.of_box(box, size)
    crop = place.image(image, size, PADDING)
    labels, densepose, _ = parser(crop)
    return Seen(crop, labels, densepose, place)


def _moved(box: Box, place: Place, image: UInt8Array) -> Box:
    left, right = (min(max(0.0, place.a * x + place.c), float(image.shape[1])) for x in (box[0], box[2]))
    top, bottom = (min(max(0.0, place.e * y + place.f), float(image.shape[0])) for y in (box[1], box[3]))
    return left, top, right, bottom
