"""Each graph on each engine beside its floor: what the machine's ceilings, measured in the same rounds, allow."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ...data.errors import MissingExtraError
from ...export.bundle import Bundle
from ...export.manifest import GRAPH_NAMES
from ...runtime.try_on import TryOn
from .. import ceilings
from ..bench import Bench
from ..intervals import Interval, median, ratio
from ..report import Ceiling, Floor, Row
from ..timing import Contender, Samples
from ..work import Work, work_of
from .try_on import GARMENTS, default_label, loaded_engines


def run(bench: Bench) -> None:
    """Measure, and set the headline `fraction_of_floor`."""
    for bundle in bench.bundles:
        _bundle(bench, bundle, is_first=bundle is bench.bundles[0])


def staged(tryon: TryOn, arrays: dict[str, Any]) -> Callable[[], dict[str, float]]:
    """Return a run of all graphs that returns each one's milliseconds."""

    def run() -> dict[str, float]:
        stages: dict[str, float] = {}

        @contextmanager
        def stage(name: str) -> Iterator[None]:
            started = time.perf_counter()
            yield
            stages[name] = (time.perf_counter() - started) * 1000

        tryon.engines.run(arrays, stage)
        return stages

    return run


def _bundle(bench: Bench, bundle: Bundle, *, is_first: bool) -> None:
    arrays = bench.arrays(bundle, 1, GARMENTS)
    default = bench.default(bundle)
    engines = loaded_engines(bench, bundle) if is_first else {default_label(default): default}
    contenders = [Contender(name, staged(tryon, arrays)) for name, tryon in engines.items()]
    precision = default.engines.precision
    on_cpu = default.engines.chosen.candidate.device == "cpu"
    products = ceilings.matrix_products(precision) if on_cpu else []
    found = bench.turns(f"graphs of {bundle.manifest.name}", [*contenders, *products, *([ceilings.copy()] * on_cpu)])
    for name, tryon in engines.items():
        _rows(bench, bundle, tryon, found[name])
    if not on_cpu:
        bench.skipped["fraction_of_floor"] = "the default engine runs on a GPU; see the gpu suite"
        return
    best = min(products, key=lambda each: found[each.name].ms.value)
    try:
        work = work_of(bundle, precision, 1, GARMENTS)
    except MissingExtraError as error:
        bench.skipped["fraction_of_floor"] = str(error)
        return
    product, copied = found[best.name], found["copy"]
    if is_first:
        bench.ceilings += _ceilings(precision, best.name, product, copied)
    stages = found[default_label(default)].stages
    totals = [sum(each.values()) for each in stages]
    fraction = Interval(value=0, low=0, high=0)
    for graph in (*GRAPH_NAMES, "all"):
        times = totals if graph == "all" else [each[graph] for each in stages]
        one = _sum(list(work.values())) if graph == "all" else work[graph]
        floor = _floor_times(work if graph == "all" else {graph: one}, product.seconds, copied.seconds)
        fraction = ratio(floor, times)
        bench.floors.append(_floor(f"{bundle.manifest.name} {graph}", precision, one, times, fraction, product, copied))
    if is_first:
        bench.headline["fraction_of_floor"] = fraction


def _rows(bench: Bench, bundle: Bundle, tryon: TryOn, samples: Samples) -> None:
    medians = samples.stage_medians()
    for graph in (*GRAPH_NAMES, "all graphs"):
        ms = median([s[graph] if graph in s else sum(s.values()) for s in samples.stages])
        bench.rows.append(
            Row(
                suite="graphs",
                group=f"graphs of {bundle.manifest.name}",
                what=graph,
                bundle=bundle.manifest.name,
                engine=tryon.engines.chosen.candidate.label,
                precision=tryon.engines.precision,
                garments=GARMENTS,
                ms=ms,
                rounds=len(samples.seconds),
                stable=samples.stable,
                stages=medians if graph == "all graphs" else {},
            )
        )


def _ceilings(precision: str, by: str, product: Samples, copied: Samples) -> list[Ceiling]:
    rate = product.ms.inverse().scaled(ceilings.product_macs() / 1e9 * 1000)
    traffic = copied.ms.inverse().scaled(ceilings.copy_bytes() / 1e9 * 1000)
    return [
        Ceiling(name="matrix product", precision=precision, by=by, value=rate, unit="GMAC/s"),
        Ceiling(name="copy", precision="", by="numpy", value=traffic, unit="GB/s"),
    ]


def _floor_times(work: dict[str, Work], products: Sequence[float], copies: Sequence[float]) -> list[float]:
    """Return the floor in milliseconds by the ceilings of each round."""
    return [
        sum(one.floor_ms(ceilings.product_macs() / 1e9 / p, ceilings.copy_bytes() / 1e9 / c) for one in work.values())
        for p, c in zip(products, copies, strict=True)
    ]


def _floor(
    graph: str, precision: str, work: Work, times: list[float], fraction: Interval, product: Samples, copied: Samples
) -> Floor:
    return Floor(
        graph=graph,
        precision=precision,
        gmacs=work.gmacs,
        megabytes=work.megabytes,
        compute_ms=work.compute_ms(ceilings.product_macs() / 1e9 / (product.ms.value / 1000)),
        memory_ms=work.memory_ms(ceilings.copy_bytes() / 1e9 / (copied.ms.value / 1000)),
        ms=median(times),
        fraction=fraction,
    )


def _sum(parts: list[Work]) -> Work:
    total = Work(0.0, 0.0)
    for part in parts:
        total = total + part
    return total
