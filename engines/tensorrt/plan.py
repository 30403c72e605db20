"""A bundle's plans: found in the cache or built into it, and checked before anything loads them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from ...bundle.bundle import Bundle
from ...bundle.manifest import GraphEntry
from ...data.errors import InputError
from ..plan_cache import Plan, PlanCache
from ..plan_key import PlanKey
from .builder import PlanBuilder
from .flavour import Flavour
from .options import BuildOptions

OnGraphProgress = Callable[[str, str, float], None]
"""Called with the graph, what is under way, and the share of this graph done, 0 to 1."""

OnMismatch = Literal["rebuild", "refuse"]
"""What to do when no stored plan fits this GPU, version and bundle."""

_RTX_MAGIC = b"vtrt"
_HEADER_SIZE = 64


def compile_plans(
    bundle: Bundle,
    flavour: Flavour,
    precision: str,
    options: BuildOptions,
    cache: PlanCache,
    on_progress: OnGraphProgress | None = None,
    *,
    on_mismatch: OnMismatch = "rebuild",
) -> dict[str, Plan]:
    """Build every graph's plan, or find it in the cache.

    With default options any stored plan that serves the GPU here will do; otherwise one that was built just so.

    Parameters
    ----------
    bundle, flavour, precision, options, cache
        What is built, how, and where it is kept.
    on_progress
        Called while plans are built.
    on_mismatch
        Whether a plan that is not stored is built, or an error says what keeps the stored one from being used.

    Returns
    -------
    dict
        Plans by graph name, without their bytes.

    Raises
    ------
    InputError
        When an option does not fit, a graph cannot be parsed, or a plan cannot be kept.
    GateError
        When FP16 was asked for and a graph is not in FP16.
    """
    builder = PlanBuilder(bundle, flavour, precision, options, cache.root)
    plans = {}
    for graph in bundle.manifest.graphs:
        check_stored(cache, plan_key(builder, graph), on_mismatch)
        plan = obtain_plan(
            builder, graph, cache, on_progress, accept_covering=options == BuildOptions() or on_mismatch == "refuse"
        )
        if plan.not_kept is not None:
            raise InputError(f"the plan of {graph.name} was built but could not be kept: {plan.not_kept}")
        plans[graph.name] = plan
    return plans


def obtain_plan(
    builder: PlanBuilder,
    graph: GraphEntry,
    cache: PlanCache,
    on_progress: OnGraphProgress | None = None,
    *,
    accept_covering: bool = False,
) -> Plan:
    """Return one graph's plan from the cache, or build it into the cache."""

    def tell(what: str, share: float) -> None:
        if on_progress is not None:
            on_progress(graph.name, what, share)

    return cache.get_or_build(
        plan_key(builder, graph),
        lambda: builder.build(graph, tell),
        accept_covering=accept_covering,
        on_wait=lambda: tell("waiting for another process that builds it", 0.0),
    )


def check_stored(cache: PlanCache, key: PlanKey, on_mismatch: OnMismatch) -> None:
    """Where building is not wanted, refuse unless a stored plan serves.

    Raises
    ------
    InputError
        Naming each field that differs.
    """
    if on_mismatch == "refuse" and cache.find(key, accept_covering=True) is None:
        raise refusal(cache, key)


def plan_key(builder: PlanBuilder, graph: GraphEntry) -> PlanKey:
    """Return what a plan of this builder depends on."""
    return PlanKey.of(
        builder.bundle,
        graph,
        builder.flavour.name,
        builder.precision,
        builder.options.key,
        version=builder.flavour.version,
        target=(builder.device, builder.capability),
    )


def refusal(cache: PlanCache, key: PlanKey) -> InputError:
    """Return the error that says why no stored plan can be used, field by field."""
    unmet = cache.unmet_of_newest(key)
    if not unmet:
        return InputError(
            f"no plan of {key.graph} for compute capability {key.capability} lies in {cache.root}; "
            f"run: oviton compile --engine {key.engine} --precision {key.precision}"
        )
    fields = "; ".join(f"{name}: {old} in the plan, {new} wanted" for name, (old, new) in unmet.items())
    return InputError(f"the plan of {key.graph} in {cache.root} does not fit here: {fields}; compile the bundle again")


def check_header(data: bytes, flavour: Flavour, where: Path | str) -> None:
    """Refuse bytes that cannot be a plan of this flavour, before the library sees them.

    Raises
    ------
    InputError
        When the plan is of the other flavour, or is truncated.
    """
    is_rtx = data[:4] == _RTX_MAGIC
    if len(data) < _HEADER_SIZE:
        raise InputError(f"{where}: {len(data)} bytes are no plan; it is truncated; compile the bundle again")
    if is_rtx != flavour.is_rtx:
        actual = "tensorrt-rtx" if is_rtx else "no tensorrt-rtx"
        raise InputError(f"{where}: it is {actual} plan, and {flavour.name} is to run it; compile it for that engine")
    if is_rtx:
        size = int.from_bytes(data[16:24], "little")
        if size != len(data):
            raise InputError(
                f"{where}: {len(data)} bytes found, {size} expected; it is truncated; compile the bundle again"
            )
