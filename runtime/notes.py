"""What reports tell users about a result: of its garments, its refinement, its bundle."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from .person import Garment
from .report import RefinementReport

NOT_A_NUMBER = "the loss was no longer a number; the weights before that are kept"
UNTRAINED_NOTE = "this bundle is untrained: its pictures show that the runtime works, not how good a try-on can be"


def refinement_notes(refinement: RefinementReport | None) -> list[str]:
    """Return what a user should know of a refinement."""
    if refinement is not None and not refinement.accepted:
        return [f"not refined, this is the feed-forward result: {refinement.reason}"]
    if refinement is not None and refinement.stopped == "not a number":
        return [f"refinement stopped at step {refinement.steps}: {NOT_A_NUMBER}"]
    return []


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
        *(f"{garment.name} has no body map, so {lost}" for garment in garments if garment.densepose is None),
        *(f"{name} is worn as codes, which hold no body map, so {guessed}" for name in codes),
    ]
