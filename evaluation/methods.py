"""The pictures that are measured: baselines that need no network, and what the bundle makes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..data.classes import SKIN, present_classes
from ..data.errors import InputError
from ..data.images import UInt8Array
from ..engines.engine_set import EngineSet
from ..prepare.preparer import Preparer
from ..runtime.framed_photo import FramedPhoto
from ..runtime.outfit import Outfit, plan_outfit
from ..runtime.person import Garment, Person
from ..runtime.photographs import build_request, restore_result
from ..runtime.refinement.options import RefinementOptions
from ..runtime.report import RefinementReport, TryOnReport
from ..runtime.try_on import TryOn
from .triplets import Triplet

UNCHANGED = "unchanged"
"""The person's own picture."""

FLAT = "flat"
"""The garment's mean colour, in the true shape."""

LOOKUP = "lookup"
"""What the surface lookup carries over, on flat colour."""

FEED_FORWARD = "feed_forward"
"""The bundle's try-on."""

TRUE_LABELS = "feed_forward_true_labels"
"""Its appearance networks alone, given the true labels."""

REFINED = "refined"
"""The bundle's try-on, refined."""

PREPARED = "prepared"
"""The bundle's try-on from the photographs alone, without their labels and body maps."""

_SHAPE = ("shape_encoder", "shape_generator")
"""Graphs that true labels stand for."""


@dataclass(frozen=True, eq=False)
class Pictures:
    """What the methods made of one triplet.

    Parameters
    ----------
    by_method
        RGB `[H, W, 3]` by method.
    labels
        The segmentation that the bundle drew, `[H, W]`.
    outfit
        Where each class came from.
    report
        What the bundle ran on.
    refinement
        What refinement did; None without one.
    not_refined, not_prepared
        Why refinement, or a try-on from the photographs alone, could not be had; empty when it could, or was not
        wanted.
    """

    by_method: dict[str, UInt8Array]
    labels: UInt8Array
    outfit: Outfit
    report: TryOnReport
    refinement: RefinementReport | None = None
    not_refined: str = ""
    not_prepared: str = ""


def run_methods(
    tryon: TryOn, triplet: Triplet, *, refine: RefinementOptions | None = None, preparer: Preparer | None = None
) -> Pictures:
    """Run every method on one triplet.

    Where refinement refuses the request, for example because a garment is too small in its photograph, the
    feed-forward result stands for the refined one, as a user would see it. Where the photographs alone do not show
    what is to be worn, the person stays as they are.

    Raises
    ------
    InputError
        When the outfit contradicts itself.
    """
    owned = present_classes(triplet.person.labels)
    outfit = plan_outfit(triplet.garments, triplet.remove, owned=owned)
    look = tryon(triplet.person, triplet.garments, triplet.remove)
    pictures = {
        UNCHANGED: triplet.person.image,
        FLAT: paint_flat(triplet.person, triplet.garments, triplet.true_labels, triplet.region),
        FEED_FORWARD: look.image,
        TRUE_LABELS: paint_true_labels(tryon.engines, triplet.person, triplet.garments, triplet.true_labels, outfit),
    }
    refinement, not_refined = None, ""
    if refine is not None:
        try:
            refined = tryon.refine(triplet.person, triplet.garments, triplet.remove, options=refine)
            pictures[REFINED], refinement = refined.image, refined.report.refinement
        except InputError as error:
            pictures[REFINED], not_refined = look.image, str(error)
    not_prepared = ""
    if preparer is not None:
        try:
            pictures[PREPARED] = dress_from_photographs(tryon, preparer, triplet)
        except InputError as error:
            pictures[PREPARED], not_prepared = triplet.person.image, str(error)
    return Pictures(pictures, look.labels, outfit, look.report, refinement, not_refined, not_prepared)


def dress_from_photographs(tryon: TryOn, preparer: Preparer, triplet: Triplet) -> UInt8Array:
    """Return the try-on of a triplet's photographs, whose labels and body maps the preparer sees.

    Raises
    ------
    InputError
        When it sees nobody, or not what is to be worn.
    """
    person = Person.of(preparer(triplet.person.image, name=triplet.person.name))
    garments = [
        Garment.of(preparer(garment.image, name=garment.name), wear=garment.classes) for garment in triplet.garments
    ]
    return tryon(person, garments, triplet.remove).image


def paint_flat(
    person: Person, garments: Sequence[Garment], labels: UInt8Array, region: npt.NDArray[np.bool_] | None = None
) -> UInt8Array:
    """Return the person's picture with each worn class, where labels have it, in its mean colour in its photograph.

    In a region `[H, W]`, if one is given, so are the classes that come to light, in theirs on the person; skin that
    the person shows nowhere has the colour of what they show.
    """
    picture = person.image.copy()
    worn = [c for garment in garments for c in garment.classes]
    for c in () if region is None else present_classes(labels[region]):
        alike = SKIN if c in SKIN else (c,)
        shown = next((mask for among in ((c,), alike) if (mask := np.isin(person.labels, among)).any()), None)
        if c not in worn and shown is not None:
            picture[(labels == c) & region] = np.round(person.image[shown].mean(axis=0))
    for garment in garments:
        for c in garment.classes:
            shown = garment.labels == c
            if not shown.any():  # one shoe of a pair: take the colour of the other
                shown = np.isin(garment.labels, garment.classes)
            picture[labels == c] = np.round(garment.image[shown].mean(axis=0))
    return picture


def paint_true_labels(
    engines: EngineSet, person: Person, garments: Sequence[Garment], labels: UInt8Array, outfit: Outfit
) -> UInt8Array:
    """Return the try-on that the appearance networks paint when the shape networks make no mistake."""
    manifest = engines.bundle.manifest
    framed = FramedPhoto.of(person, manifest.height, manifest.width)
    values: dict[str, npt.NDArray[Any]] = dict(build_request(person, garments, outfit, manifest.height, manifest.width))
    values["labels"] = framed.fit_labels(labels)[None]
    values = engines.pipeline.run(values, [graph for graph in manifest.steps.graphs if graph not in _SHAPE])
    return restore_result(values["image"][0], values["labels"][0], framed, outfit.source)[0]
