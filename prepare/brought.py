"""A person seen once more, by models that a user brought.

Our own parser stays the finder of people: it says who is there, where the chosen one is, and which pixels are others'.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..data.conventions import to_cihp
from ..data.errors import InputError
from ..data.images import UInt8Array
from ..data.regions import share_out
from .adapters.body_maps import BroughtBodyMap
from .adapters.parsers import BroughtParser
from .looks import Seen
from .place import Box, Place


@dataclass(frozen=True)
class Scene:
    """What our own parser saw of a photograph.

    Parameters
    ----------
    image
        The photograph, `[H, W, 3]`.
    box
        The chosen person's.
    labels, densepose
        Theirs, of the whole photograph.
    others
        Where somebody else is, uint8 `[H, W]`, 0 or 1.
    name
        What messages call the photograph.
    """

    image: UInt8Array
    box: Box
    labels: UInt8Array
    densepose: UInt8Array
    others: UInt8Array
    name: str

    @classmethod
    def of(cls, image: UInt8Array, box: Box, seen: Seen, name: str) -> Scene:
        """Return a scene of the second look at a person."""
        size = (image.shape[0], image.shape[1])
        return cls(image, box, *seen.on_photograph(size), seen.others_on_photograph(box, size), name)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the photograph."""
        return self.image.shape[0], self.image.shape[1]

    def own(self, place: Place, drawn: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Return which pixels that a model drew in a crop are the chosen person's.

        Those whose box, as our own parser sees it, is another's are not; of the others, those that it labels are. The
        rest belongs to whichever of the two is nearer by way of pixels that were drawn, and to nobody where neither is.
        """
        size = (drawn.shape[0], drawn.shape[1])
        theirs = place.nearest(self.others, size) > 0
        ours = (place.nearest((self.labels > 0).astype(np.uint8), size) > 0) & ~theirs  # labels stray to neighbours
        return share_out(ours & drawn, theirs & drawn, drawn)[0]

    def nothing(self, what: str) -> InputError:
        """Return the error for a model that does not see the person."""
        left, top, right, bottom = (round(side) for side in self.box)
        return InputError(
            f"{self.name}: {what} sees nobody where our own parser sees the person, at {left},{top},{right},{bottom}; "
            "prepare this photograph without it"
        )


def map_body(scene: Scene, model: BroughtBodyMap) -> UInt8Array:
    """Return the body map `[H, W, 3]` of a scene's person by another model.

    Raises
    ------
    InputError
        When it does not see the person.
    """
    place = Place.of_box(scene.box, model.size)
    found = model(place.image(scene.image, model.size), place.inverse.box(scene.box))
    own = scene.own(place, found[..., 0] > 0)
    if not own.any():
        raise scene.nothing(str(model.path))
    return place.inverse.nearest(np.where(own[..., None], found, np.uint8(0)), scene.size, (0, 0, 0))


def parse(scene: Scene, model: BroughtParser, densepose: UInt8Array) -> tuple[UInt8Array, list[str]]:
    """Return the CIHP labels `[H, W]` of a scene's person by another parser, and what was lost or guessed.

    Parameters
    ----------
    scene
        The photograph.
    model
        The parser.
    densepose
        The person's body map, which tells left from right.

    Raises
    ------
    InputError
        When it does not see the person.
    """
    place, convention = Place.of_box(scene.box, model.size), model.convention
    found = model(place.image(scene.image, model.size, model.border))
    own = scene.own(place, convention.codes[found] > 0)
    if not own.any():
        raise scene.nothing(str(model.path))
    body = place.nearest(densepose, model.size, (0, 0, 0))
    labels, notes = to_cihp(np.where(own, found, np.uint8(0)), convention, body, scene.name)
    # What a convention lacks is the same for all photographs; what was guessed is this one's.
    told = [note if note == convention.note else f"{scene.name}: {note}" for note in notes]
    return place.inverse.nearest(labels, scene.size), told
