"""What refinement gained over all triplets, and where it lost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from .methods import FEED_FORWARD, FLAT, REFINED

if TYPE_CHECKING:
    from .report import CaseReport

WORSE = 1.02
"""A case counts as worse from so many times its feed-forward distance on."""


class WorseCase(BaseModel):
    """A triplet whose refined result is farther from the truth than the feed-forward one; distances by MobileNetV2."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str
    fabric: str
    perceptual: tuple[float, float]
    psnr: tuple[float, float]
    ssim: tuple[float, float]


class RefinementSummary(BaseModel):
    """Refined against feed-forward results, by the MobileNetV2 distance to the truth in the swapped region.

    Parameters
    ----------
    n, textured
        Triplets in all, and those whose garments are more than plain.
    accepted
        Share of triplets whose refined result was used.
    by_feed_forward, by_flat
        Mean distance of the refined results, divided by that of the others; textured triplets only.
    feed_forward_by_flat
        Likewise, of the feed-forward results.
    not_worse
        Share of all triplets that are at most `WORSE` times as far as feed-forward.
    worse
        The others; every pair is feed-forward, refined.
    rejected
        Why results were not used, by triplet.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    n: int
    textured: int
    accepted: float
    by_feed_forward: float | None
    by_flat: float | None
    feed_forward_by_flat: float | None
    not_worse: float
    worse: tuple[WorseCase, ...]
    rejected: dict[str, str]

    @classmethod
    def of(cls, cases: Sequence[CaseReport]) -> RefinementSummary | None:
        """Sum up; None when nothing was refined."""
        cases = [case for case in cases if REFINED in case.methods]
        if not cases:
            return None
        textured = [case for case in cases if case.textured]
        mean = {
            method: sum(case.methods[method].perceptual for case in textured)
            for method in (FLAT, FEED_FORWARD, REFINED)
        }
        worse = [
            case for case in cases if case.methods[REFINED].perceptual > WORSE * case.methods[FEED_FORWARD].perceptual
        ]
        return cls(
            n=len(cases),
            textured=len(textured),
            accepted=round(
                sum(case.refinement is not None and case.refinement.accepted for case in cases) / len(cases), 4
            ),
            by_feed_forward=_ratio(mean[REFINED], mean[FEED_FORWARD]),
            by_flat=_ratio(mean[REFINED], mean[FLAT]),
            feed_forward_by_flat=_ratio(mean[FEED_FORWARD], mean[FLAT]),
            not_worse=round(1 - len(worse) / len(cases), 4),
            worse=tuple(_worse(case) for case in worse),
            rejected={_name(case): _reason(case) for case in cases if _reason(case)},
        )


def _worse(case: CaseReport) -> WorseCase:
    before, after = case.methods[FEED_FORWARD], case.methods[REFINED]
    return WorseCase(
        name=_name(case),
        fabric=case.fabric,
        perceptual=(before.perceptual, after.perceptual),
        psnr=(before.psnr, after.psnr),
        ssim=(before.ssim, after.ssim),
    )


def _reason(case: CaseReport) -> str:
    return case.not_refined or (case.refinement.reason if case.refinement is not None else "")


def _name(case: CaseReport) -> str:
    return f"{case.split}/{case.name}"


def _ratio(value: float, of: float) -> float | None:
    return round(value / of, 4) if of else None
