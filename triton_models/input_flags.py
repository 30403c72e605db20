"""What is wrong with a request's values, as a bitmask that graphs, server and client share."""

from __future__ import annotations

from ..data.classes import NUM_BODY_PARTS, NUM_CLASSES

LARGEST = {
    "person_labels": NUM_CLASSES - 1,
    "densepose": NUM_BODY_PARTS - 1,
    "garment_labels": NUM_CLASSES - 1,
    "garment_densepose": NUM_BODY_PARTS - 1,
}
"""Largest id that each input may hold; of body maps, in their first channel."""

BITS = {**{name: 1 << bit for bit, name in enumerate(LARGEST)}, "source": 1 << len(LARGEST)}
"""The bit that tells of each input."""

CODES_BITS = {"garment_classes": 32, "wear": 64}
"""Bits of garments as codes: a class is worn from a garment that holds no code of it; a class to wear is no garment."""

_CODES_TOLD = {
    "garment_classes": "source takes a class from a garment whose codes hold none of it; encode the garment with it",
    "wear": "wear holds a value above 1, or names a class that is no garment",
}


def describe(flags: int, garments: int | None = None) -> str:
    """Say what a request's flags mean, in one sentence; empty for 0.

    Parameters
    ----------
    flags
        A request's bitmask.
    garments
        Garment photographs in the request, if known.
    """
    told = []
    for name, bit in BITS.items():
        if flags & bit and name == "source":
            last = "the number of garment photographs" if garments is None else str(garments)
            told.append(f"source holds a value out of range; allowed: -1 to {last}")
        elif flags & bit:
            what = "DensePose part" if name.endswith("densepose") else "label id"
            told.append(f"{name} holds a {what} above {LARGEST[name]}; allowed: 0 to {LARGEST[name]}")
    told += [_CODES_TOLD[name] for name, bit in CODES_BITS.items() if flags & bit]
    return "; ".join(told)
