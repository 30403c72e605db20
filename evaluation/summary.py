"""Summing up an evaluation: the means of a split or of photographs, and what refinement gained."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from ..runtime.report import BundleReport, EngineReport
from .intervals import mean
from .methods import FEED_FORWARD, FLAT, REFINED
from .photograph_report import PhotographReport, SelfSwap, Swap, SwapScores
from .report import (
    WORSE,
    CaseReport,
    GarmentIou,
    Interval,
    PictureIntervals,
    PictureScores,
    RefinementSummary,
    Skipped,
    SplitCi95,
    SplitReport,
    Subset,
    WorseCase,
)


def summarise_split(cases: Sequence[CaseReport]) -> SplitReport:
    """Return the means of one split's triplets; there is at least one."""
    textured = [case.methods for case in cases if case.textured]
    return SplitReport(
        n=len(cases),
        miou=_mean(case.miou for case in cases),
        methods=_mean_scores([case.methods for case in cases]),
        miou_old_labels=_mean(case.miou_old_labels for case in cases),
        iou=_garment_ious(cases),
        changed_iou=_mean(case.changed_iou or 0.0 for case in cases),
        whole=_mean_scores([case.whole for case in cases]),
        textured=Subset(n=len(textured), methods=_mean_scores(textured)) if textured else None,
        ci95=SplitCi95(
            miou=_ci95([case.miou for case in cases]),
            methods={
                method: PictureIntervals(**{name: _ci95(found) for name, found in _columns(cases, method)})
                for method in cases[0].methods
            },
        ),
        kept_changed=_mean(case.kept_changed for case in cases),
        kept_relabelled=_mean(case.kept_relabelled for case in cases),
    )


def summarise_refinement(cases: Iterable[CaseReport]) -> RefinementSummary | None:
    """Return what refinement gained over all triplets, and where it lost; None when nothing was refined."""
    cases = [case for case in cases if REFINED in case.methods]
    if not cases:
        return None
    textured = [case.methods for case in cases if case.textured]
    far = {name: sum(methods[name].perceptual for methods in textured) for name in (FLAT, FEED_FORWARD, REFINED)}
    worse = [case for case in cases if _distance(case, REFINED) > WORSE * _distance(case, FEED_FORWARD)]
    used = sum(case.refinement is not None and case.refinement.accepted for case in cases)
    return RefinementSummary(
        n=len(cases),
        textured=len(textured),
        accepted=round(used / len(cases), 4),
        by_feed_forward=_ratio(far[REFINED], far[FEED_FORWARD]),
        by_flat=_ratio(far[REFINED], far[FLAT]),
        feed_forward_by_flat=_ratio(far[FEED_FORWARD], far[FLAT]),
        not_worse=round(1 - len(worse) / len(cases), 4),
        worse=tuple(_worse(case) for case in worse),
        rejected={case.full_name: reason for case in cases if (reason := _reason(case))},
    )


def summarise_photographs(
    selves: Sequence[SelfSwap],
    swaps: Sequence[Swap],
    *,
    kid_mobilenetv2: Mapping[str, float],
    oviton: str,
    bundle: BundleReport,
    conditioning: str,
    engine: EngineReport,
    skipped: tuple[Skipped, ...],
) -> PhotographReport:
    """Sum up what was measured, at least one of each."""
    limbs = [found for swap in swaps for found in swap.bared_limbs.values()]
    whole = [swap for swap in swaps if swap.pieces[0] == 1]
    return PhotographReport(
        self_swap=_mean_scores([case.methods for case in selves]),
        perceptual_ci95={
            method: _ci95([case.methods[method].perceptual for case in selves]) for method in selves[0].methods
        },
        iou=_mean(found for case in selves for found in case.iou.values()),
        islands=_mean(swap.pieces[1] > 1 for swap in whole) if whole else 0.0,
        roughness=float(np.median([swap.roughness for swap in swaps])),
        bared_limbs=_mean(limbs) if limbs else None,
        limbs=len(limbs),
        kept_changed=_mean(swap.kept_changed for swap in swaps),
        reread=_mean(swap.reread for swap in swaps),
        swap={
            method: SwapScores(
                colour=_mean(swap.methods[method].colour for swap in swaps),
                texture=_mean(swap.methods[method].texture for swap in swaps),
            )
            for method in swaps[0].methods
        },
        kid_mobilenetv2=dict(kid_mobilenetv2),
        oviton=oviton,
        bundle=bundle,
        conditioning=conditioning,
        engine=engine,
        skipped=skipped,
        self_swaps=tuple(selves),
        swaps=tuple(swaps),
    )


def _mean_scores(cases: Sequence[Mapping[str, PictureScores]]) -> dict[str, PictureScores]:
    return {
        method: PictureScores(
            **{name: _mean(getattr(case[method], name) for case in cases) for name in PictureScores.model_fields}
        )
        for method in cases[0]
    }


def _garment_ious(cases: Sequence[CaseReport]) -> dict[str, GarmentIou]:
    pairs: dict[str, list[tuple[float, float]]] = {}
    for case in cases:
        for name, pair in case.iou.items():
            pairs.setdefault(name, []).append(pair)
    return {
        name: GarmentIou(
            n=len(found),
            generated=_mean(drawn for drawn, _ in found),
            old_labels=_mean(old for _, old in found),
            ci95=_ci95([drawn for drawn, _ in found]),
        )
        for name, found in sorted(pairs.items())
    }


def _mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))


def _columns(cases: Sequence[CaseReport], method: str) -> Iterator[tuple[str, list[float]]]:
    """Yield every score's name with its values, case by case."""
    for name in PictureScores.model_fields:
        yield name, [getattr(case.methods[method], name) for case in cases]


def _ci95(values: Sequence[float]) -> Interval:
    interval = mean(values)
    return interval.low, interval.high


def _worse(case: CaseReport) -> WorseCase:
    before, after = case.methods[FEED_FORWARD], case.methods[REFINED]
    pairs = {name: (getattr(before, name), getattr(after, name)) for name in PictureScores.model_fields}
    return WorseCase(name=case.full_name, fabric=case.fabric, **pairs)


def _distance(case: CaseReport, method: str) -> float:
    return case.methods[method].perceptual


def _reason(case: CaseReport) -> str:
    return case.not_refined or (case.refinement.reason if case.refinement is not None else "")


def _ratio(value: float, of: float) -> float | None:
    return round(value / of, 4) if of else None
