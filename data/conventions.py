"""What other parsers call their classes, and how their labels become the 20 CIHP classes.

A pixel's id means something in one convention only: ATR's trousers (6) are CIHP's dress. Most conventions lack classes
that this project needs. A body map settles what it can: which arm is the left one, where the neck ends, what of a
jumpsuit are its legs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .body_parts import ARMS, LEFT, LEGS, RIGHT, TORSO, parts
from .classes import CLASS_IDS, CLASS_NAMES, NUM_CLASSES, parse_garment_classes, present_classes
from .errors import InputError
from .regions import share_out

UInt8Array = npt.NDArray[np.uint8]
BoolArray = npt.NDArray[np.bool_]

_PAIRS = {"arm": ARMS, "leg": LEGS, "shoe": LEGS}
"""Limbs without a side, and the body parts that tell it."""

_SETTLED = (*_PAIRS, "jumpsuit")
"""Targets that a body map settles, after all classes."""

MASK = "mask"


@dataclass(frozen=True)
class LabelConvention:
    """A set of label ids that parsers use.

    Parameters
    ----------
    name
        As ``--labels-from`` takes it.
    known_from
        Which models and data sets write it.
    targets
        What each id becomes, by id: a class name, or ``arm``, ``leg``, ``shoe`` or ``jumpsuit`` to be settled.
    note
        What is lost or guessed. Default: nothing.
    has_neck
        Whether it tells torso skin from the face. Default: False; the body map's torso does then.
    """

    name: str
    known_from: str
    targets: tuple[str, ...]
    note: str | None = None
    has_neck: bool = False

    @property
    def codes(self) -> UInt8Array:
        """Id of the class, or of the settled target after all classes, by id of the convention."""
        order = {name: code for code, name in enumerate((*CLASS_NAMES, *_SETTLED))}
        return np.array([order[target] for target in self.targets], np.uint8)


def _convention(name: str, known_from: str, targets: str, note: str | None = None) -> LabelConvention:
    names = tuple(targets.split())
    return LabelConvention(name, known_from, names, note, "torso_skin" in names)


CONVENTIONS: Mapping[str, LabelConvention] = {
    c.name: c
    for c in (
        _convention("cihp", "CIHP: PGN, SCHP trained on CIHP", " ".join(CLASS_NAMES)),
        _convention(
            "lip",
            "LIP: SCHP, JPPNet",
            "background hat hair glove sunglasses upper_clothes dress coat socks pants jumpsuit scarf skirt face "
            "left_arm right_arm left_leg right_leg left_shoe right_shoe",
        ),
        _convention(
            "atr",
            "ATR: SCHP, segformer_b2_clothes",
            "background hat hair sunglasses upper_clothes skirt pants dress pants left_shoe right_shoe face left_leg "
            "right_leg left_arm right_arm background scarf",
            "ATR has no coat, socks or glove (a coat stays upper_clothes), and a bag leaves a hole",
        ),
        _convention(
            "c14",
            "the 14 ids of VITON and ACGPN",
            "background hair background background upper_clothes left_shoe right_shoe background pants left_leg "
            "right_leg left_arm face right_arm",
            "c14 has one class each for tops, dresses and coats, for trousers and skirts, and for hats and hair",
        ),
        _convention(
            "c7",
            "Pascal-Person-Part: SCHP, DeepLab",
            "background face upper_clothes upper_clothes arm pants pants",
            "c7 names body parts, not clothes: torso and upper arms are taken for a top, legs for trousers, the head "
            "for a face; a parser of clothes gives better results",
        ),
        _convention(
            "fashn",
            "fashn-human-parser",
            "background face hair upper_clothes dress skirt pants pants background hat scarf sunglasses arm arm leg "
            "shoe torso_skin background",
            "fashn has no coat, socks or glove (a coat stays upper_clothes), takes bare feet for shoes, and a bag or "
            "jewellery leaves a hole",
        ),
        _convention(
            "sapiens",
            "Sapiens body parts, 28 ids",
            "background upper_clothes face hair left_leg left_arm left_arm left_leg left_shoe socks left_arm left_leg "
            "pants right_leg right_arm right_arm right_leg right_shoe socks right_arm right_leg torso_skin "
            "upper_clothes face face face face face",
            "sapiens has one class each for tops, dresses and coats, and for trousers and skirts; apparel is taken "
            "for a top",
        ),
    )
}
"""By name. Ids are those of the published models."""


def find_convention(name: str) -> LabelConvention:
    """Return a convention by name; ``mask:CLASS`` takes everything that is not 0 for one class.

    Raises
    ------
    InputError
        When there is none of that name.

    Examples
    --------
    >>> find_convention("atr").targets[4]
    'upper_clothes'
    >>> find_convention("mask:skirt").targets[255]
    'skirt'
    """
    base, _, detail = name.partition(":")
    if base == MASK:
        garments = parse_garment_classes(detail) if detail else ()
        if len(garments) != 1:
            raise InputError(f"labels from {name!r}: a mask is of one garment; allowed: mask:upper_clothes and so on")
        worn = CLASS_NAMES[garments[0]]
        return LabelConvention(name, "masks", ("background", *[worn] * 255), has_neck=True)
    if name not in CONVENTIONS:
        raise InputError(f"labels from {name!r}: unknown; allowed: {', '.join(CONVENTIONS)}, mask:CLASS")
    return CONVENTIONS[name]


def to_cihp(
    labels: UInt8Array, convention: LabelConvention, densepose: UInt8Array | None, name: str
) -> tuple[UInt8Array, list[str]]:
    """Turn labels of another convention into CIHP's.

    Parameters
    ----------
    labels
        Ids `[H, W]`.
    convention
        What they mean.
    densepose
        Body map `[H, W, 3]` of the same photograph, if there is one.
    name
        What messages call the labels.

    Returns
    -------
    tuple
        CIHP labels `[H, W]`, and what was lost or guessed.

    Raises
    ------
    InputError
        When an id is none of the convention's.

    Examples
    --------
    >>> labels, notes = to_cihp(np.array([[4, 9, 0]], np.uint8), CONVENTIONS["atr"], None, "labels")
    >>> [CLASS_NAMES[i] for i in labels[0]], len(notes)
    (['upper_clothes', 'left_shoe', 'background'], 1)
    """
    count = len(convention.targets)
    if labels.max() >= count:
        raise InputError(
            f"{name}: label id {labels.max()} found; allowed in {convention.name}: 0 to {count - 1} "
            f"({convention.known_from})"
        )
    codes = convention.codes[labels]
    notes = [convention.note] if convention.note is not None else []
    body = np.zeros_like(labels) if densepose is None else densepose[..., 0]
    notes += _settle_sides(codes, body)
    _settle_jumpsuits(codes, body)
    if not convention.has_neck:
        codes[(codes == CLASS_IDS["face"]) & parts(*TORSO)[body]] = CLASS_IDS["torso_skin"]
    return codes, notes


def range_hint(labels: UInt8Array) -> str:
    """Return what ids beyond CIHP's 19 look like, to follow a message; empty when nobody knows.

    Examples
    --------
    >>> range_hint(np.array([[0, 255]], np.uint8))
    '; it looks like a mask: oviton import PHOTO --labels FILE --labels-from mask:CLASS -o FOLDER reads it'
    """
    present = present_classes(labels)
    if present in ([255], [0, 255]):
        return "; it looks like a mask: oviton import PHOTO --labels FILE --labels-from mask:CLASS -o FOLDER reads it"
    if present[-1] == 255 and present[-2] < NUM_CLASSES:
        return "; 255 usually marks pixels to ignore: make them 0"
    wide = [name for name, convention in CONVENTIONS.items() if present[-1] < len(convention.targets)]
    if not wide:
        return ""
    return (
        f"; ids of {' or '.join(wide)}: oviton import PHOTO --labels FILE --labels-from {wide[0]} --densepose FILE "
        "-o FOLDER reads them"
    )


def _settle_jumpsuits(codes: UInt8Array, body: UInt8Array) -> None:
    """Make a top and trousers of a jumpsuit, which CIHP does not know; without a body map all of it is a top."""
    jumpsuit = codes == NUM_CLASSES + _SETTLED.index("jumpsuit")
    codes[jumpsuit] = CLASS_IDS["upper_clothes"]
    codes[jumpsuit & parts(*LEGS)[body]] = CLASS_IDS["pants"]


def _settle_sides(codes: UInt8Array, body: UInt8Array) -> list[str]:
    """Give every limb that has none its side: its pixels' in the body map, and else the nearest one's."""
    guessed = []
    for index, (limb, own) in enumerate(_PAIRS.items()):
        mask = codes == NUM_CLASSES + index
        if not mask.any():
            continue
        left = mask & (parts(*LEFT) & parts(*own))[body]
        right = mask & (parts(*RIGHT) & parts(*own))[body]
        if not (left | right).any():
            guessed.append(limb)
            # Who faces the camera has the left limbs on the picture's right.
            middle = np.nonzero(codes)[1].mean()
            left = mask & (np.arange(codes.shape[1]) > middle)
            right = mask & ~left
        left = _spread(left, right, mask)
        codes[mask] = np.where(left[mask], CLASS_IDS[f"left_{limb}"], CLASS_IDS[f"right_{limb}"])
    if not guessed:
        return []
    return [f"no body map tells the sides of {' and '.join(guessed)}: guessed for a person who faces the camera"]


def _spread(left: BoolArray, right: BoolArray, mask: BoolArray) -> BoolArray:
    """Return where in a mask the left is nearer than the right, by way of the mask where there is one."""
    left, right = share_out(left, right, mask)
    free = mask & ~left & ~right
    if free.any():
        columns = np.nonzero(free)[1]
        to_left = np.abs(columns - np.nonzero(left)[1].mean()) if left.any() else np.full(len(columns), np.inf)
        to_right = np.abs(columns - np.nonzero(right)[1].mean()) if right.any() else np.full(len(columns), np.inf)
        left = left.copy()
        left[free] = to_left < to_right
    return left
