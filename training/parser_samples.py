"""What the person parser is trained on: pictures of which something is known, and crops of them.

A sample keeps what is known of a picture: for every pixel the set of classes that it may be, and a body map.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..data.classes import MIRRORED, NUM_CLASSES
from ..data.errors import InputError
from ..data.images import UInt8Array, read_densepose, read_image, read_labels
from ..networks.person_parser import BODY_STRIDE, LABEL_STRIDE
from ..prepare.place import Place
from .densepose_charts import DensePoseCharts

UNKNOWN = 255
"""A label, a body part or a presence that is not known."""

PERSON_HEIGHT = 448
"""Street photographs are kept so small that their person is at most so many pixels high."""

BAGS = "bags"
"""The folder of what people in street photographs carry."""

ANY = (1 << NUM_CLASSES) - 1
"""The set of all classes: a pixel of which nothing is known."""

SmallArray = npt.NDArray[Any]


@dataclass(frozen=True)
class Sample:
    """What is known of a picture.

    Parameters
    ----------
    image
        RGB `[H, W, 3]`.
    sets
        Sets of classes, as bits, uint32 `[K]`.
    index
        Which of the sets each pixel has, uint8 `[H, W]`.
    body
        Part, U and V, uint8 `[H, W, 3]`; a part of 255 is not known.
    body_mirrored
        The same for the mirror image; None where the picture is never mirrored.
    rendered
        Whether a person's outline is exact.
    """

    image: UInt8Array
    sets: npt.NDArray[np.uint32]
    index: UInt8Array
    body: UInt8Array
    body_mirrored: UInt8Array | None
    rendered: bool

    @property
    def person(self) -> npt.NDArray[np.bool_]:
        """Where the person certainly is, `[H, W]`."""
        found: npt.NDArray[np.bool_] = ((self.sets & 1) == 0)[self.index]
        return found

    def mirrored(self) -> Sample:
        """Return the mirror image; what is left becomes right."""
        if self.body_mirrored is None:
            raise InputError("a rendered person has no mirrored body map; draw another one")
        flipped = [np.ascontiguousarray(each[:, ::-1]) for each in (self.image, self.index)]
        return Sample(
            flipped[0], mirror_sets(self.sets), flipped[1], self.body_mirrored, self.body, rendered=self.rendered
        )

    def cut(self, rows: slice, columns: slice) -> Sample:
        """Return a part of the picture; the mirrored body map is dropped."""
        window = (rows, columns)
        image, index, body = self.image[window], self.index[window], self.body[window]
        return replace(self, image=image, index=index, body=body, body_mirrored=None)


def mirror_sets(sets: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    """Exchange left and right in sets of classes."""
    kept, moved = sets.copy(), np.zeros_like(sets)
    for one, other in MIRRORED:
        both = np.uint32((1 << one) | (1 << other))
        moved |= ((sets >> np.uint32(one)) & np.uint32(1)) << np.uint32(other)
        moved |= ((sets >> np.uint32(other)) & np.uint32(1)) << np.uint32(one)
        kept &= ~both
    return kept | moved


def read_rendered(folder: Path, charts: DensePoseCharts) -> Sample:
    """Read a rendered person's folder; U and V become DensePose's."""
    labels = read_labels(folder / "labels.png")
    sets = np.uint32(1) << np.arange(NUM_CLASSES, dtype=np.uint32)
    body = charts(read_densepose(folder / "densepose.png"))
    return Sample(read_image(folder / "image.png"), sets, labels, body, None, rendered=True)


def read_street(path: Path) -> Sample:
    """Read what `street_photographs.write_samples` wrote."""
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    known = arrays["body_known"] > 0
    for name, where in (("body", known), ("body_mirrored", known[:, ::-1])):
        arrays[name][~where, 0] = UNKNOWN
    del arrays["body_known"]
    return Sample(**arrays, rendered=False)


@dataclass
class Crop:
    """A crop with what the network should see in it; what `PersonParser` returns has the same strides.

    Parameters
    ----------
    image
        RGB `[H, W, 3]`.
    sets
        Sets of classes, as bits, uint32 `[H/2, W/2]`.
    body
        Part (255: unknown), U and V, uint8 `[H/4, W/4, 3]`.
    presence
        1 on a person, 0 on none, 255 unknown, uint8 `[H/4, W/4]`.
    box
        Distances to a person's left, top, right and bottom as shares of the height, float32 `[4, H/4, W/4]`.
    """

    image: UInt8Array
    sets: npt.NDArray[np.uint32]
    body: UInt8Array
    presence: UInt8Array
    box: npt.NDArray[np.float32]


def place_crop(sample: Sample, place: Place, size: tuple[int, int], fill: Sequence[int]) -> Crop:
    """Cut a crop out of a sample, whole in itself: one person, and background where the picture ends."""
    outside = np.append(sample.sets, np.uint32(1))
    sets = outside[place.nearest(sample.index, size, len(sample.sets), stride=LABEL_STRIDE)]
    body = place.nearest(sample.body, size, (0, 0, 0), stride=BODY_STRIDE).copy()
    coarse = outside[place.nearest(sample.index, size, len(sample.sets), stride=BODY_STRIDE)]
    presence = np.where((coarse & 1) == 0, 1, np.where(coarse == 1, 0, UNKNOWN)).astype(np.uint8)
    presence[(body[..., 0] > 0) & (body[..., 0] != UNKNOWN)] = 1
    image, box = place.image(sample.image, size, fill), box_distances(presence == 1)
    return Crop(image, sets, body, presence, box)


def box_distances(person: npt.NDArray[np.bool_]) -> npt.NDArray[np.float32]:
    """Return each pixel's distances to the left, top, right and bottom of what is marked, over the height."""
    height, width = person.shape
    answer = np.zeros((4, height, width), np.float32)
    if person.any():
        rows, columns = (np.nonzero(person.any(axis=axis))[0] for axis in (1, 0))
        y, x = np.arange(height)[:, None] + 0.5, np.arange(width)[None] + 0.5
        answer[0], answer[2] = x - columns[0], columns[-1] + 1 - x
        answer[1], answer[3] = y - rows[0], rows[-1] + 1 - y
    return np.maximum(answer, 0) / height
