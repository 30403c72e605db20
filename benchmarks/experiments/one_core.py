"""Headlines in processor time on one core: for machines that others keep too busy to measure wall time on.

Processor time does not count the time that other processes take, and one thread never waits for another. It says
nothing of how well an engine uses several cores; `oviton bench` does.

Run ``python -m oviton.benchmarks.experiments.one_core``; writes ``results/one_core-BUNDLE.json``.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from itertools import chain
from pathlib import Path

from ...evaluation.intervals import ratio_of_medians, slope
from .. import ceilings
from ..bench import Bench, BenchOptions
from ..floors import fastest_products, graph_floors, summed
from ..machine import write
from ..suites.graphs import staged
from ..suites.try_on import EAGER, GARMENTS, default_label, loaded_engines, whole
from ..timing import Contender, StopRule, take_turns

RULE = StopRule(warm_up=1, least=5, most=25, seconds=90)


def processor_clock(run: Callable[[], object]) -> float:
    """Return the processor time of a call, over all threads of this process."""
    started = time.process_time()
    run()
    return time.process_time() - started


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundle", type=Path, default=None)
    parser.add_argument("--output", type=Path, default=None)
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # before any library counts cores
    with Bench(BenchOptions((arguments.bundle,) if arguments.bundle else (), quick=True), print) as bench:
        bundle = bench.bundles[0]
        engines = loaded_engines(bench, bundle)
        default = bench.default(bundle)
        precisions = default.engines.precisions
        products = {p: ceilings.matrix_products(p) for p in dict.fromkeys(precisions.values())}
        person, garments = bench.outfit(bundle, GARMENTS)
        runs: dict[str, Callable[[], object]] = {
            name: whole(tryon, person, garments) for name, tryon in engines.items()
        }
        counts = (1, 2, 3, 4)
        runs |= {f"{m} garments": whole(default, *bench.outfit(bundle, m)) for m in counts}
        runs |= {each.name: each.run for each in (*chain(*products.values()), ceilings.copy())}
        runs["graphs"] = staged(default, bench.arrays(bundle, 1, GARMENTS))
        found = take_turns([Contender(name, run, processor_clock) for name, run in runs.items()], RULE)
        times = {precision: product for precision, (_, product) in fastest_products(products, found).items()}
        floors = graph_floors(bundle, precisions, GARMENTS, times, found["copy"])
        graphs_ms = [seconds * 1000 for seconds in found["graphs"].seconds]
        reference = found[f"{GARMENTS} garments"].seconds
        shares = [[a / b for a, b in zip(found[f"{m} garments"].seconds, reference, strict=True)] for m in counts]
        results = {
            "bundle": {"name": bundle.manifest.name, "identity": bundle.identity},
            "rounds": len(reference),
            "processor_ms": {name: samples.ms.model_dump() for name, samples in found.items()},
            "try_on_vs_eager_fp32": found[EAGER].over(found[default_label(default)]).model_dump(),
            "fraction_of_floor": ratio_of_medians(summed(floors), graphs_ms).model_dump(),
            "extra_garment": slope(counts, shares)[0].model_dump(),
        }
        name = bundle.manifest.name
    print(write(f"one_core-{name}", results, arguments.output))
    for key in ("try_on_vs_eager_fp32", "fraction_of_floor", "extra_garment"):
        print(key, results[key])


if __name__ == "__main__":
    main()
