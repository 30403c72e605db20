"""Batches for the person parser: rendered people and street photographs, made alike.

A crop shows the person in the middle, as the second look at a photograph does, or the whole picture, as the first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from ..data.errors import InputError
from ..networks.person_parser import BODY_STRIDE, LABEL_STRIDE
from ..prepare.place import PADDING, Place
from .crop_changes import carry_bag, change_picture, enlarge_hair, recolour, worn_colour
from .densepose_charts import DensePoseCharts
from .parser_samples import ANY, BAGS, UNKNOWN, Crop, Sample, SmallArray, place_crop, read_rendered, read_street

HELD_OUT_EVERY = 10
"""Street photographs whose number this divides are never trained on."""


class ParserData:
    """Everything that the parser is trained on.

    Parameters
    ----------
    rendered
        Folder of rendered people, with their `densepose_charts`.
    street
        Folder of samples of street photographs.
    size
        Height and width of crops, multiples of 32.
    street_share
        How many crops show street photographs.

    Raises
    ------
    InputError
        When a folder holds nothing.
    """

    def __init__(self, rendered: Path, street: Path, size: tuple[int, int], street_share: float = 0.6) -> None:
        self.size, self.street_share = size, street_share
        self.rendered = sorted(path.parent for path in rendered.glob("*/labels.png"))
        self.street = [path for path in sorted(street.glob("*.npz")) if not is_held_out(path.stem)]
        for folder, found in ((rendered, self.rendered), (street, self.street)):
            if not found:
                raise InputError(f"{folder}: holds nothing to train on")
        self.bags = [path for path in sorted((street / BAGS).glob("*.png")) if not is_held_out(path.stem)]
        self.charts = DensePoseCharts.read(rendered)

    def draw(self, rng: np.random.Generator) -> Crop:
        """Draw a crop, changed at random."""
        whole = rng.random() < 0.25
        sample = _cut_at_random(self._draw_sample(rng), rng)
        fill = _random_fill(rng)
        place = (_whole_place if whole else _person_place)(sample, self.size, rng)
        crop = place_crop(sample, place, self.size, fill)
        if rng.random() < (0.55 if sample.rendered else 0.15):
            self._exchange_background(crop, sample, place, rng)
        if rng.random() < 0.3:
            enlarge_hair(crop, rng)
        if rng.random() < (0.4 if whole else 0.25):
            self._add_companion(crop, whole, rng)
        if self.bags and rng.random() < 0.2:
            carry_bag(crop, Image.open(self.bags[rng.integers(len(self.bags))]), rng)
        if rng.random() < 0.35:
            recolour(crop, rng)
        crop.image = change_picture(crop.image, rng)
        return crop

    def batch(self, rng: np.random.Generator, count: int) -> dict[str, SmallArray]:
        """Draw crops and stack them."""
        crops = [self.draw(rng) for _ in range(count)]
        return {
            "image": np.stack([crop.image.transpose(2, 0, 1) for crop in crops]),
            "sets": np.stack([crop.sets.astype(np.int32) for crop in crops]),
            "body": np.stack([crop.body for crop in crops]),
            "presence": np.stack([crop.presence for crop in crops]),
            "box": np.stack([crop.box for crop in crops]),
        }

    def _draw_sample(self, rng: np.random.Generator) -> Sample:
        if rng.random() >= self.street_share:
            return read_rendered(self.rendered[rng.integers(len(self.rendered))], self.charts)
        sample = read_street(self.street[rng.integers(len(self.street))])
        return sample.mirrored() if rng.random() < 0.5 else sample

    def _exchange_background(self, crop: Crop, sample: Sample, place: Place, rng: np.random.Generator) -> None:
        """Put the person before something else, in place."""
        person = sample.person.astype(np.uint8) * 255
        alpha = place.image(np.repeat(person[..., None], 3, axis=2), self.size, (0, 0, 0)) / np.float32(255)
        ground = self._ground(crop, rng)
        crop.image = np.rint(crop.image * alpha + ground * (1 - alpha)).astype(np.uint8)

    def _ground(self, crop: Crop, rng: np.random.Generator) -> SmallArray:
        """Draw a background: plain, shaded, of the colour of what a crop's person wears, or a piece of a street."""
        height, width = self.size
        if rng.random() < 0.5:
            first, last = (rng.uniform(60, 255) + rng.normal(0, 10, 3) for _ in range(2))
            colour = worn_colour(crop, rng) if rng.random() < 0.5 else None
            if colour is not None:
                first = colour + rng.normal(0, 12)
            if rng.random() < 0.5:
                last = first
            ramp = np.linspace(0, 1, height)[:, None, None]
            ground = np.broadcast_to(first * (1 - ramp) + last * ramp, (height, width, 3))
            return np.clip(ground, 0, 255)
        sample = read_street(self.street[rng.integers(len(self.street))])
        columns = np.nonzero(sample.person.any(axis=0))[0]
        left, right = sample.image[:, : columns[0]], sample.image[:, columns[-1] + 1 :]
        strip = left if left.shape[1] > right.shape[1] else right
        if strip.shape[1] < 32:
            strip = sample.image[: max(32, int(np.nonzero(sample.person.any(axis=1))[0][0]))]
        return np.asarray(Image.fromarray(strip).resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0))

    def _add_companion(self, crop: Crop, whole: bool, rng: np.random.Generator) -> None:
        """Put another person beside the first, in place, behind or before them.

        In the second look they are background. In the first they are people of whom nothing else is asked.
        """
        other = self._draw_sample(rng)
        height, width = self.size
        here = np.nonzero((crop.presence == 1).any(axis=0))[0]
        tall = (crop.presence == 1).any(axis=1).sum() * BODY_STRIDE
        if not len(here) or not tall:
            return
        rows, columns = _extent(other.person)
        scale = (rows[1] - rows[0]) / (tall * rng.uniform(0.7, 1.15))
        reach = rng.uniform(0.45, 0.9) * (columns[1] - columns[0]) / scale
        x = here[0] * BODY_STRIDE - reach if rng.random() < 0.5 else (here[-1] + 1) * BODY_STRIDE + reach
        if whole:
            x = np.clip(x, 0.1 * width, 0.9 * width)
        middle = np.nonzero((crop.presence == 1).any(axis=1))[0].mean() * BODY_STRIDE
        place = Place.around((sum(columns) / 2, sum(rows) / 2), (x, middle + rng.normal(0, 0.04) * height), scale)
        added = place_crop(other, place, self.size, (0, 0, 0))
        before = rng.random() < 0.25
        person = other.person.astype(np.uint8) * 255
        alpha = place.image(np.repeat(person[..., None], 3, axis=2), self.size, (0, 0, 0)) / np.float32(255)
        fine, coarse = (np.round(alpha[s // 2 :: s, s // 2 :: s, 0]) > 0 for s in (LABEL_STRIDE, BODY_STRIDE))
        if not before:
            free = (crop.sets & 1) > 0
            coarse &= crop.presence != 1
            fine &= free
            room = Image.fromarray(free.astype(np.uint8) * 255).resize((width, height), Image.Resampling.BILINEAR)
            alpha = alpha * (np.asarray(room, np.float32)[..., None] / 255)
        crop.image = np.rint(added.image * alpha + crop.image * (1 - alpha)).astype(np.uint8)
        crop.sets[fine] = ANY if whole else 1
        crop.body[coarse] = (UNKNOWN if whole else 0, 0, 0)
        crop.presence[coarse] = 1
        crop.box[:, coarse] = added.box[:, coarse]


def is_held_out(name: str) -> bool:
    """Return whether a street photograph is kept for evaluation."""
    return int(name) % HELD_OUT_EVERY == 0


def _cut_at_random(sample: Sample, rng: np.random.Generator) -> Sample:
    """Sometimes cut the picture at the person's knees, hips or chest, or close to their sides."""
    height, width = sample.image.shape[:2]
    rows, columns = _extent(sample.person)
    top, bottom, left, right = 0, height, 0, width
    if rng.random() < 0.35:
        bottom = int(rows[0] + rng.uniform(0.35, 0.9) * (rows[1] - rows[0]))
    if rng.random() < 0.1:
        top = int(rows[0] + rng.uniform(0.0, 0.2) * (rows[1] - rows[0]))
    if rng.random() < 0.3:
        slack = rng.uniform(-0.08, 0.3, 2) * (columns[1] - columns[0])
        left, right = max(0, int(columns[0] - slack[0])), min(width, int(columns[1] + slack[1]))
    cut = sample.cut(slice(top, max(top + 32, bottom)), slice(left, max(left + 16, right)))
    return cut if cut.person.mean() > 0.02 else sample


def _person_place(sample: Sample, size: tuple[int, int], rng: np.random.Generator) -> Place:
    """Return where the second look at a photograph is, a little off."""
    rows, columns = _extent(sample.person)
    scale = Place.of_box((columns[0], rows[0], columns[1], rows[1]), size).scale
    x = sum(columns) / 2 + rng.uniform(-0.1, 0.1) * (columns[1] - columns[0])
    y = sum(rows) / 2 + rng.uniform(-0.08, 0.08) * (rows[1] - rows[0])
    angle = float(rng.normal(0, 0.08)) if rng.random() < 0.4 else 0.0
    return Place.around((x, y), (size[1] / 2, size[0] / 2), scale * float(np.exp(rng.uniform(-0.3, 0.25))), angle)


def _whole_place(sample: Sample, size: tuple[int, int], rng: np.random.Generator) -> Place:
    """Return where the first look at a photograph is: all of it, as if it went on beyond its border."""
    height, width = sample.image.shape[:2]
    scale = max(height / size[0], width / size[1]) * float(np.exp(rng.uniform(0.0, 0.8)))
    free = [size[1] - width / scale, size[0] - height / scale]
    corner = [rng.uniform(0, max(0.0, each)) for each in free]
    return Place.around((0, 0), (corner[0], corner[1]), scale)


def _random_fill(rng: np.random.Generator) -> Sequence[int]:
    draw = rng.random()
    if draw < 0.7:
        return PADDING
    return [int(rng.choice((0, 255)))] * 3 if draw < 0.85 else [int(value) for value in rng.integers(0, 256, 3)]


def _extent(person: npt.NDArray[np.bool_]) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return first and end of the rows and columns where a person is; the whole picture where none is."""
    if not person.any():
        return (0, person.shape[0]), (0, person.shape[1])
    rows, columns = (np.nonzero(person.any(axis=axis))[0] for axis in (1, 0))
    return (int(rows[0]), int(rows[-1]) + 1), (int(columns[0]), int(columns[-1]) + 1)


def to_tensors(batch: Mapping[str, SmallArray]) -> dict[str, Any]:
    """Return a batch as tensors, the pictures in [-1, 1]."""
    import torch

    tensors = {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in batch.items()}
    tensors["image"] = tensors["image"].float() / 127.5 - 1
    return tensors
