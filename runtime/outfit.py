"""From "wear this, remove that" to a source vector, every rule in one table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ..bundle.manifest import MAX_BATCH
from ..data.classes import CLASS_NAMES, NUM_CLASSES, TAKES_OFF, TOPS, ids, parse_garment_classes
from ..data.errors import InputError

REMOVED = -1
OWN = 0

_COVERS = (
    ("the chest", set(TOPS), "upper_clothes"),
    ("the hips and legs", set(ids("dress", "pants", "skirt")), "pants or skirt"),
)
"""A place, the classes that cover it, and what is worn there."""

RULES: Mapping[int, tuple[int, ...]] = TAKES_OFF
"""Wearing the key takes off the values. A class that is itself worn from a garment stays on."""


class Wearable(Protocol):
    """What can be worn: a `Garment`, or what stands for one."""

    @property
    def name(self) -> str:
        """For messages."""

    @property
    def classes(self) -> tuple[int, ...]:
        """The ids of the classes taken from it."""


@dataclass(frozen=True)
class Outfit:
    """Where every class of the result comes from.

    Parameters
    ----------
    source
        int32 `[20]`: 0 the person's own, k from garment photograph k, -1 removed.
    notes
        What the rules did that was not asked for, in plain words.
    """

    source: npt.NDArray[np.int32]
    notes: tuple[str, ...]

    def described(self) -> dict[str, int]:
        """Return the classes that are not the person's own, with their source."""
        return {CLASS_NAMES[c]: int(s) for c, s in enumerate(self.source) if s != OWN}


def plan_outfit(
    garments: Sequence[Wearable],
    remove: Iterable[str] = (),
    *,
    owned: Iterable[int] = range(NUM_CLASSES),
    rules: Mapping[int, tuple[int, ...]] = RULES,
) -> Outfit:
    """Resolve an outfit into a source vector.

    Parameters
    ----------
    garments
        Garment photographs, in the order in which the graphs get them.
    remove
        Names of garment classes to take off.
    owned
        Classes that the person has; only for the notes. Default: all.
    rules
        What wearing a class takes off.

    Raises
    ------
    InputError
        When there are too many garments, one class is asked for twice, worn and removed, or nothing is asked for.

    Examples
    --------
    >>> outfit = plan_outfit([Garment.open("shirt/", wear="upper_clothes")], ["hat"], owned=[1, 6, 9])
    >>> outfit.described()
    {'hat': -1, 'upper_clothes': 1, 'dress': -1}
    >>> outfit.notes
    ("wearing upper_clothes takes off the person's dress",)
    """
    removed = {c for name in remove for c in parse_garment_classes(name)}
    if len(garments) > MAX_BATCH:
        raise InputError(f"{len(garments)} garments given; allowed: up to {MAX_BATCH} a request")
    if not garments and not removed:
        raise InputError("nothing to do: no garment to wear and no class to remove; give --wear or --remove")
    owned = set(owned)
    source = np.full(NUM_CLASSES, OWN, np.int32)
    for index, garment in enumerate(garments, start=1):
        for c in garment.classes:
            if source[c] != OWN:
                first = garments[source[c] - 1].name
                raise InputError(f"{CLASS_NAMES[c]} is to be worn from both {first} and {garment.name}; choose one")
            if c in removed:
                raise InputError(f"{CLASS_NAMES[c]} is to be worn from {garment.name} and removed; choose one")
            source[c] = index
    notes = [f"the person wears no {CLASS_NAMES[c]}, so there is none to remove" for c in removed - owned]
    worn = [c for c in range(NUM_CLASSES) if source[c] > OWN]
    for c in worn:
        for other in rules.get(c, ()):
            if source[other] == OWN:
                source[other] = REMOVED
                if other in owned and other not in removed:
                    notes.append(f"wearing {CLASS_NAMES[c]} takes off the person's {CLASS_NAMES[other]}")
    source[list(removed)] = REMOVED
    return Outfit(source, (*notes, *_bared(source, owned)))


def _bared(source: npt.NDArray[np.int32], owned: set[int]) -> list[str]:
    """Return what to say of a body that loses its last clothes: no photograph shows what is below."""
    lost, bare, advice = set(), [], []
    for place, cover, instead in _COVERS:
        taken = {c for c in cover & owned if source[c] == REMOVED}
        if taken and not any(source[c] > OWN or (source[c] == OWN and c in owned) for c in cover):
            lost |= taken
            bare.append(place)
            advice.append(instead)
    if not bare:
        return []
    gone = " and ".join(CLASS_NAMES[c] for c in sorted(lost))
    one = "dress, or " if len(bare) == 2 else ""
    return [
        f"without {gone} nothing covers {' and '.join(bare)}: bare skin is guessed there; to cover it, wear also "
        f"{one}{' and '.join(advice)}"
    ]
