"""Each graph on each engine beside its floor: what the machine's ceilings, measured in the same rounds, allow."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any

from ...bundle.bundle import Bundle
from ...data.errors import MissingExtraError
from ...evaluation.intervals import median, ratio_of_medians
from ...runtime.try_on import TryOn
from .. import ceilings
from ..bench import Bench
from ..floors import GraphFloor, fastest_products, graph_floors, summed
from ..report import Ceiling, Floor
from ..timing import Contender, Samples
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
    precisions = default.engines.precisions
    on_cpu = default.engines.chosen.candidate.device == "cpu"
    products = {p: ceilings.matrix_products(p) for p in dict.fromkeys(precisions.values())} if on_cpu else {}
    ceiling_runs = [*chain(*products.values()), ceilings.copy()] if on_cpu else []
    found = bench.turns(f"graphs of {bench.name(bundle)}", [*contenders, *ceiling_runs])
    for name, tryon in engines.items():
        _rows(bench, bundle, tryon, found[name])
    if not on_cpu:
        bench.skipped["fraction_of_floor"] = "the default engine runs on a GPU; see the gpu suite"
        return
    fastest = fastest_products(products, found)
    times = {precision: product for precision, (_, product) in fastest.items()}
    try:
        floors = graph_floors(bundle, precisions, GARMENTS, times, found["copy"])
    except MissingExtraError as error:
        bench.skipped["fraction_of_floor"] = str(error)
        return
    if is_first:
        bench.ceilings += _ceilings(fastest, found["copy"])
    called, stages = bench.name(bundle), found[default_label(default)].stages
    for one in floors:
        row = _floor_row(called, one.graph, one.precision, [one], [each[one.graph] for each in stages])
        bench.floors.append(row)
    bench.floors.append(
        _floor_row(called, "all", default.engines.precision, floors, [sum(each.values()) for each in stages])
    )
    if is_first:
        bench.headline["fraction_of_floor"] = bench.floors[-1].fraction


def _rows(bench: Bench, bundle: Bundle, tryon: TryOn, samples: Samples) -> None:
    medians = samples.stage_medians()
    for graph in (*samples.stages[0], "all graphs"):
        fields: dict[str, Any] = {
            "group": f"graphs of {bench.name(bundle)}",
            "ms": median([s[graph] if graph in s else sum(s.values()) for s in samples.stages]),
            "stages": medians if graph == "all graphs" else {},
        }
        bench.keep(bundle, samples, on=tryon, suite="graphs", what=graph, garments=GARMENTS, **fields)


def _ceilings(products: dict[str, tuple[str, Samples]], copied: Samples) -> list[Ceiling]:
    traffic = copied.ms.inverse().scaled(ceilings.copy_bytes() / 1e9 * 1000)
    return [
        *(
            Ceiling(name="matrix product", precision=precision, by=name, value=rate, unit="GMAC/s")
            for precision, (name, product) in products.items()
            for rate in [product.ms.inverse().scaled(ceilings.product_macs() / 1e9 * 1000)]
        ),
        Ceiling(name="copy", precision="", by="numpy", value=traffic, unit="GB/s"),
    ]


def _floor_row(bundle: str, graph: str, precision: str, floors: Sequence[GraphFloor], times: list[float]) -> Floor:
    return Floor(
        graph=f"{bundle} {graph}",
        precision=precision,
        gmacs=sum(one.work.gmacs for one in floors),
        megabytes=sum(one.work.megabytes for one in floors),
        compute_ms=sum(one.compute_ms for one in floors),
        memory_ms=sum(one.memory_ms for one in floors),
        ms=median(times),
        fraction=ratio_of_medians(summed(floors), times),
    )
