"""Headlines in processor time on one core: for machines that others keep too busy to measure wall time on.

Processor time does not count the time that other processes take, and one thread never waits for another. Run
``python -m oviton.benchmarks.one_core``; writes ``results/one_core-BUNDLE.json``. It says nothing of how well an engine
uses several cores; `oviton bench` does.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path

from . import ceilings
from .bench import Bench, BenchOptions
from .intervals import ratio, slope
from .machine import write
from .suites.graphs import staged
from .suites.try_on import EAGER, GARMENTS, default_label, loaded_engines, whole
from .timing import Contender, StopRule, take_turns
from .work import work_of

RULE = StopRule(warm_up=1, least=5, most=25, seconds=90)


def processor_clock(run: Callable[[], object]) -> float:
    """Return the processor time of a call, over all threads of this process."""
    started = time.process_time()
    run()
    return time.process_time() - started


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(prog="python -m oviton.benchmarks.one_core", description=__doc__)
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
        runs |= {each.name: each.run for ways in products.values() for each in ways}
        runs["graphs"] = staged(default, bench.arrays(bundle, 1, GARMENTS))
        found = take_turns([Contender(name, run, processor_clock) for name, run in runs.items()], RULE)
        work = work_of(bundle, precisions, 1, GARMENTS)
        best = {p: min((found[each.name] for each in ways), key=lambda s: s.ms.value) for p, ways in products.items()}
        share = {
            p: sum(w.gmacs for g, w in work.items() if precisions[g] == p) * 1e9 / ceilings.product_macs() for p in best
        }
        floor = [
            sum(share[p] * s for p, s in zip(best, each, strict=True))
            for each in zip(*(s.seconds for s in best.values()), strict=True)
        ]
        reference = found[f"{GARMENTS} garments"].seconds
        shares = [[a / b for a, b in zip(found[f"{m} garments"].seconds, reference, strict=True)] for m in counts]
        results = {
            "bundle": {"name": bundle.manifest.name, "identity": bundle.identity},
            "rounds": len(reference),
            "processor_ms": {name: samples.ms.model_dump() for name, samples in found.items()},
            "try_on_vs_eager_fp32": found[EAGER].over(found[default_label(default)]).model_dump(),
            "fraction_of_floor": ratio(floor, found["graphs"].seconds).model_dump(),
            "extra_garment": slope(counts, shares)[0].model_dump(),
        }
        name = bundle.manifest.name
    print(write(f"one_core-{name}", results, arguments.output))
    for key in ("try_on_vs_eager_fp32", "fraction_of_floor", "extra_garment"):
        print(key, results[key])


if __name__ == "__main__":
    main()
