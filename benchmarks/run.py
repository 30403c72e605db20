"""Running suites, one after the other, into a report."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict

from ..data.errors import InputError, MissingExtraError
from .bench import Bench, BenchOptions, Say
from .machine import describe
from .report import BenchReport, Machine, Settings
from .suites import export, gpu, graphs, refinement, scaling, server, start, try_on

SUITES: dict[str, Callable[[Bench], None]] = {
    "try_on": try_on.run,
    "graphs": graphs.run,
    "scaling": scaling.run,
    "refinement": refinement.run,
    "start": start.run,
    "server": server.run,
    "gpu": gpu.run,
    "export": export.run,
}

ON_REQUEST = ("export",)
"""Suites that only run when they are named."""


def run_benchmarks(options: BenchOptions, say: Say = lambda _: None) -> BenchReport:
    """Run the benchmarks.

    Parameters
    ----------
    options
        What, and how thoroughly.
    say
        Called with what is being done.

    Returns
    -------
    BenchReport
        Everything that was measured, and what was not and why.

    Raises
    ------
    InputError
        When a suite is unknown or a bundle unusable.
    """
    unknown = [name for name in options.suites if name not in SUITES]
    if unknown:
        raise InputError(f"suite {unknown[0]!r} is unknown; allowed: {', '.join(SUITES)}")
    wanted = options.suites or tuple(name for name in SUITES if name not in ON_REQUEST)
    started = time.perf_counter()
    machine = Machine(**describe())
    with Bench(options, say) as bench:
        assert bench.bundles  # a bundle that cannot be opened is told before anything runs
        for name in wanted:
            try:
                SUITES[name](bench)
            except MissingExtraError as error:
                bench.skipped[name] = str(error)
        identities = {bench.name(bundle): bundle.identity for bundle in bench.bundles}
        default = bench.default(bench.bundles[0]).engines
        engine = f"{default.chosen.candidate.label} {default.precision}"
    settings = Settings(
        bundles=identities,
        default_engine=engine,
        suites=wanted,
        quick=options.quick,
        seed=options.seed,
        rule=asdict(options.rule),
        seconds=round(time.perf_counter() - started, 1),
        gpu_clocks=bench.gpu_clocks,
    )
    return BenchReport(
        machine=machine,
        settings=settings,
        headline=bench.headline,
        ceilings=tuple(bench.ceilings),
        floors=tuple(bench.floors),
        rows=tuple(bench.rows),
        slopes=tuple(bench.slopes),
        curves=tuple(bench.curves),
        skipped=bench.skipped,
    )
