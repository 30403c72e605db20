"""What callers see of a refinement while it runs; needs no PyTorch, since a client sees it, too."""

from __future__ import annotations

from dataclasses import dataclass

from ...data.images import UInt8Array


@dataclass(frozen=True)
class RefinementStep:
    """One step, as callers see it.

    Parameters
    ----------
    step
        1 for the first.
    losses
        Weighted terms and their sum, ``loss``.
    preview
        RGB `[H, W, 3]` at the network's size, uint8, every `preview_every` steps; else None.
    seconds
        Since the refinement began.
    """

    step: int
    losses: dict[str, float]
    preview: UInt8Array | None
    seconds: float
