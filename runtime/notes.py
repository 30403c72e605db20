"""What reports tell users about a result: of its garments, its refinement, its bundle."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from ..data.body_parts import FEET, HANDS, HEAD_PARTS, LOWER_LEGS, TORSO, UPPER_LEGS
from ..data.classes import CLASS_NAMES, TOPS, ids
from ..data.images import UInt8Array
from .framed_photo import FramedPhoto
from .person import Garment, Person
from .report import RefinementReport

NOT_A_NUMBER = "the loss was no longer a number"
UNTRAINED_NOTE = "this bundle is untrained: its pictures show that the runtime works, not how good a try-on can be"

UNCHANGED_NOTE = "nothing changed: the picture is the photograph, pixel for pixel"

FEW_PIXELS = 64
"""Fewer pixels of a garment's photograph say nothing about cloth."""

SHOWN = 0.005
"""A smaller share of the body map than this is no sight of a place."""


@dataclass(frozen=True)
class _Place:
    """Where on the body classes are worn.

    `parts` are DensePose's; `skin` are labels of what else can only be there.
    """

    name: str
    classes: tuple[int, ...]
    parts: tuple[int, ...]
    skin: tuple[int, ...] = ()


PLACES = (
    _Place("head", ids("hat", "sunglasses"), HEAD_PARTS, ids("hair", "face")),
    _Place("neck", ids("scarf"), (*TORSO, *HEAD_PARTS), ids("face", "torso_skin")),
    _Place("torso", TOPS, TORSO, ids("torso_skin")),
    _Place("hand", ids("glove"), HANDS, ids("left_arm", "right_arm")),
    _Place("legs", ids("pants", "skirt"), (*UPPER_LEGS, *LOWER_LEGS), ids("left_leg", "right_leg")),
    _Place("feet", ids("socks", "left_shoe", "right_shoe"), FEET),
)
"""Where each garment class is worn."""


def refinement_notes(refinement: RefinementReport | None) -> list[str]:
    """Return what a user should know of a refinement."""
    if refinement is None:
        return []
    stopped = f"refinement stopped after step {refinement.steps}"
    if not refinement.accepted:
        told = [f"not refined, this is the feed-forward result: {refinement.reason}"]
        spoilt = refinement.steps > 0 and refinement.stopped == "not a number"
        return [f"{stopped}: {NOT_A_NUMBER}", *told] if spoilt else told
    return {
        "not a number": [f"{stopped}: {NOT_A_NUMBER}; the last weights that gave one are kept"],
        "time": [f"{stopped}: the next one might have exceeded the time budget"],
        "plateau": [f"{stopped}: the loss no longer fell"],
    }.get(refinement.stopped, [])


def untrained_notes(trained: Mapping[Any, str]) -> list[str]:
    """Return what to say about a bundle of which a part is untrained."""
    return [UNTRAINED_NOTE] if any(note.startswith("untrained") for note in trained.values()) else []


def missing_body_maps(
    garments: Sequence[Garment], conditioning: str, inputs: Collection[str], codes: Sequence[str] = ()
) -> list[str]:
    """Return what to say about garments that the lookups of a bundle, whose graphs take `inputs`, cannot find.

    `codes` names garments that are worn as codes.
    """
    if "garment_densepose" not in inputs:
        return []
    guessed = "its cut is guessed"
    lost = guessed + (", and only its colours are carried over, not its pattern" if conditioning == "surface" else "")
    return [
        *(f"{told_name(garment.name)} has no body map, so {lost}" for garment in garments if garment.densepose is None),
        *(f"{name} is worn as codes, which hold no body map, so {guessed}" for name in codes),
    ]


def company_notes(photo: Person | Garment) -> list[str]:
    """Return what to say when others are labelled beside the one who is dressed, or whose garment is worn."""
    if photo.subject is None or not photo.subject.company:
        return []
    left, _, right, _ = photo.subject.box
    here = f"columns {left} to {right - 1}"
    if isinstance(photo, Garment):
        told = f"the garment is taken from the one in {here}"
    else:
        told = f"the one in {here} is dressed, and the others stay as they are"
    return [f"{told_name(photo.name)} shows several people: {told}; to choose, label one of them alone"]


def out_of_sight(framed: FramedPhoto, worn: Iterable[int]) -> list[str]:
    """Return what to say about classes that are to be worn where the photograph does not show the person.

    A place is shown when the body map has some of it, or when the labels have what can only be there.
    """
    if framed.body is None:
        return []
    parts, labels = _counts(framed.body[..., 0]), _counts(framed.labels)
    enough = SHOWN * sum(parts[1:])
    if not enough:
        return []  # without a body map nobody knows
    missing: dict[str, list[str]] = {}
    for c in worn:
        place = next(place for place in PLACES if c in place.classes)
        seen = sum(parts[part] for part in place.parts), sum(labels[label] for label in (*place.classes, *place.skin))
        if max(seen) < enough:
            missing.setdefault(place.name, []).append(CLASS_NAMES[c])
    name = told_name(framed.photo.name)
    return [
        f"{name} shows no {place}, so next to nothing is to be seen of {' and '.join(classes)}; choose a photograph "
        "that does"
        for place, classes in missing.items()
    ]


def scraps(garment: Garment) -> list[str]:
    """Return what to say about classes of which the garment's photograph has a few pixels."""
    counts = _counts(garment.labels)
    few = [c for c in garment.classes if 0 < counts[c] < FEW_PIXELS]
    return [
        f"{told_name(garment.name)}: only {counts[c]} pixel{'s are' if counts[c] > 1 else ' is'} labelled "
        f"{CLASS_NAMES[c]}, too few to show what it looks like; check its labels, or take a larger photograph"
        for c in few
    ]


def _counts(marks: UInt8Array) -> list[int]:
    """Return how many pixels `[h, w]` have each value."""
    return Image.fromarray(marks).histogram()


def told_name(name: str) -> str:
    """Return what others are told of a photograph: the name of its folder, not where that lies.

    Parameters
    ----------
    name
        The photograph's name, which is its folder's path when it was opened from one.

    Examples
    --------
    >>> told_name("/home/ana/shirts/blue")
    'blue'
    """
    return Path(name).name or name
