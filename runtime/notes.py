"""What reports tell users about a result: of its garments, its refinement, its bundle."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from .person import Garment
from .report import RefinementReport

NOT_A_NUMBER = "the loss was no longer a number"
UNTRAINED_NOTE = "this bundle is untrained: its pictures show that the runtime works, not how good a try-on can be"


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
