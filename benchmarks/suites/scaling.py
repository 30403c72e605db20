"""How time grows with garments and with the batch, as fitted lines."""

from __future__ import annotations

from typing import Any

from ...bundle.bundle import Bundle
from ...runtime.try_on import TryOn
from ..bench import Bench
from ..report import Slope, fitted_line
from ..timing import Contender, Samples
from .graphs import staged
from .try_on import GARMENTS, whole


def run(bench: Bench) -> None:
    """Measure, and set the headline `extra_garment`."""
    for bundle in bench.bundles:
        tryon = bench.default(bundle)
        garments = _garments(bench, bundle, tryon)
        if bundle is bench.bundles[0]:
            bench.headline["extra_garment"] = garments.relative
        sizes = (1, 2) if bench.options.quick else (1, 2, 4, 8)
        contenders = {n: Contender(f"N={n}", staged(tryon, bench.arrays(bundle, n, 1))) for n in sizes}
        found = bench.turns(f"batch of {bench.name(bundle)}", list(contenders.values()))
        _keep(bench, bundle, tryon, "requests", {n: found[c.name] for n, c in contenders.items()}, base=1)


def _garments(bench: Bench, bundle: Bundle, tryon: TryOn) -> Slope:
    wanted = range(1, 5) if bench.options.quick else range(1, 9)
    outfits = {m: bench.outfit(bundle, m) for m in wanted}
    # The sample people may not wear eight different classes.
    contenders = {m: Contender(f"M={m}", whole(tryon, *o)) for m, o in outfits.items() if len(o[1]) == m}
    found = bench.turns(f"garments of {bench.name(bundle)}", list(contenders.values()))
    return _keep(bench, bundle, tryon, "garments", {m: found[c.name] for m, c in contenders.items()}, base=GARMENTS)


def _keep(bench: Bench, bundle: Bundle, tryon: TryOn, along: str, found: dict[int, Samples], base: int) -> Slope:
    """Keep rows, and the line through them."""
    for size, samples in found.items():
        fields: dict[str, Any] = {
            "group": f"{along} of {bench.name(bundle)}",
            "what": "try_on" if along == "garments" else "all graphs",
            along: size,
        }
        over = None if size == base else found[base]
        bench.keep(bundle, samples, on=tryon, over=over, suite="scaling", **fields)
    line = fitted_line(bench.name(bundle), along, {size: each.seconds for size, each in found.items()}, base)
    bench.slopes.append(line)
    return line
