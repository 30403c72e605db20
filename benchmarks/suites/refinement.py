"""Refinement: one step, the whole of it, and how the loss falls with time."""

from __future__ import annotations

import time
from itertools import pairwise

from ...data.errors import InputError
from ...evaluation.intervals import median
from ..bench import Bench
from ..report import Curve, Row
from .try_on import GARMENTS


def run(bench: Bench) -> None:
    """Measure a refinement of each bundle."""
    from ...data.optional import require

    require("torch", extra="refine", purpose="refinement")
    from ...runtime.refinement.options import RefinementOptions

    steps = 3 if bench.options.quick else 40
    for bundle in bench.bundles[:1] if bench.options.quick else bench.bundles:
        name = bench.name(bundle)
        tryon = bench.default(bundle)
        person, garments = bench.outfit(bundle, GARMENTS)
        bench.say(f"refinement of {name}: {steps} steps")
        try:
            started = time.perf_counter()
            refinement = tryon.refinement(person, garments, options=RefinementOptions(steps=steps, always=True))
            found = list(refinement)
            look = refinement.look()
            whole = time.perf_counter() - started
        except InputError as error:  # the bundle has no programs to refine with
            bench.skipped[f"refinement of {name}"] = str(error)
            continue
        if len(found) < 2:
            bench.skipped[f"refinement of {name}"] = (
                f"{len(found)} of {steps} steps taken (stopped by: {refinement.refiner.stopped}); timing one takes two"
            )
            continue
        ends = [step.seconds for step in found]
        spent = [after - before for before, after in pairwise(ends)]
        first = found[0].losses["loss"]
        bench.curves.append(
            Curve(name=name, seconds=tuple(ends), loss=tuple(step.losses["loss"] / first for step in found))
        )
        report = look.report.refinement
        engine = tryon.engines
        numbers = {"steps_per_second": 1 / median(spent).value, "whole_seconds": whole, "steps": float(len(found))}
        if report is not None:
            numbers |= {"texture_before": report.texture_before, "texture_after": report.texture_after}
            numbers |= {"accepted": float(report.accepted)}
        bench.rows.append(
            Row(
                suite="refinement",
                group=f"refinement of {name}",
                what="step",
                bundle=name,
                engine=f"torch ({'cpu' if engine.chosen.candidate.device == 'cpu' else 'cuda'})",
                garments=GARMENTS,
                ms=median(spent).scaled(1000),
                rounds=len(spent),
                stable=median(spent).spread <= 0.05,
                numbers=numbers,
            )
        )
