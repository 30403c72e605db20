"""Running suites, one after the other, into a report."""

from __future__ import annotations

import os
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict

from ..data.errors import InputError, MissingExtraError, OvitonError
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
    """Run the benchmarks. A suite that fails is noted as such, and what others measure is kept.

    Parameters
    ----------
    options
        What, and how thoroughly.
    say
        Called with what is being done.

    Returns
    -------
    BenchReport
        Everything that was measured, and what was not and why; `failed` names what should have been.

    Raises
    ------
    InputError
        When a suite is unknown, or a bundle unusable or given twice.
    EngineError
        When no engine runs here.
    """
    unknown = [name for name in options.suites if name not in SUITES]
    if unknown:
        raise InputError(f"suite {unknown[0]!r} is unknown; allowed: {', '.join(SUITES)}")
    wanted = tuple(dict.fromkeys(options.suites)) or tuple(name for name in SUITES if name not in ON_REQUEST)
    started = time.perf_counter()
    machine = Machine(**describe())
    with Bench(options, say) as bench:
        default = bench.default(bench.bundles[0]).engines  # first: without it there is nothing to measure
        for name in wanted:
            _run(bench, name)
        identities = {bench.name(bundle): bundle.identity for bundle in bench.bundles}
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
        failed=tuple(bench.failed),
    )


def _run(bench: Bench, name: str) -> None:
    try:
        SUITES[name](bench)
    except MissingExtraError as error:
        bench.skipped[name] = str(error)
    except OvitonError as error:
        bench.fail(name, str(error))
    except Exception as error:  # such as a GPU out of memory, after minutes of other suites
        if os.environ.get("OVITON_TRACEBACK"):
            traceback.print_exc()
        bench.fail(name, f"{type(error).__name__}: {error} (set OVITON_TRACEBACK=1 to see where)")
