"""`oviton compile`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from ..data.errors import InputError
from .console import BundleArgument, EngineOption, PrecisionOption, bar, out, parity_table, status

if TYPE_CHECKING:
    from ..bundle.bundle import Bundle
    from ..engines.plan_cache import Plan, PlanCache
    from ..engines.tensorrt.flavour import Flavour
    from ..engines.tensorrt.options import BuildOptions
    from ..engines.tensorrt.plan import OnMismatch

_TENSORRT = "TensorRT and TensorRT-RTX"


def compile_bundle(
    bundle: BundleArgument = None,
    engine: EngineOption = "auto",
    precision: PrecisionOption = "auto",
    compute_capability: Annotated[
        str | None,
        typer.Option(
            help="GPUs to build for, for example 8.6,8.9; needs no GPU here with tensorrt-rtx.",
            show_default=False,
            rich_help_panel=_TENSORRT,
        ),
    ] = None,
    hardware_compatible: Annotated[
        bool,
        typer.Option(
            "--hardware-compatible",
            help="Build for compute capability 8.0 and all later.",
            rich_help_panel=_TENSORRT,
        ),
    ] = False,
    version_compatible: Annotated[
        bool,
        typer.Option(
            "--version-compatible",
            help="Build plans for later versions of the same major number too (tensorrt).",
            rich_help_panel=_TENSORRT,
        ),
    ] = False,
    refittable: Annotated[
        bool,
        typer.Option(
            "--refittable", help="Build plans whose weights can be replaced; needs a GPU.", rich_help_panel=_TENSORRT
        ),
    ] = False,
    strip_weights: Annotated[
        bool,
        typer.Option(
            "--strip-weights",
            help="Leave the weights out of the plans; the bundle's are put in at load. Needs a GPU.",
            rich_help_panel=_TENSORRT,
        ),
    ] = False,
    workspace: Annotated[
        int | None,
        typer.Option(
            help="Most scratch memory of a layer in MB.",
            show_default=False,
            metavar="MB",
            rich_help_panel=_TENSORRT,
        ),
    ] = None,
    optimum: Annotated[
        str,
        typer.Option(
            help="Requests and garments, NxM, that kernels are chosen for.",
            metavar="NxM",
            rich_help_panel=_TENSORRT,
        ),
    ] = "1x1",
    no_build: Annotated[
        bool,
        typer.Option(
            "--no-build", help="Refuse, and say what differs, when no stored plan fits.", rich_help_panel=_TENSORRT
        ),
    ] = False,
) -> None:
    """Compile a bundle for an engine and keep the plans, so that later starts are quick."""
    from ..bundle.bundle import Bundle
    from ..engines.plan_cache import PlanCache
    from ..engines.tensorrt.flavour import FLAVOURS
    from ..engines.tensorrt.options import BuildOptions

    capabilities = BuildOptions.parse_capabilities(compute_capability) if compute_capability is not None else ()
    requests, garments = _parse_optimum(optimum)
    options = BuildOptions(
        compute_capabilities=capabilities,
        hardware_compatible=hardware_compatible,
        version_compatible=version_compatible,
        refittable=refittable,
        strip_weights=strip_weights,
        workspace_mb=workspace,
        opt_requests=requests,
        opt_garments=garments,
    )
    cache = PlanCache()
    if cache.refusal:
        raise InputError(f"plans would not be kept: {cache.refusal}")
    if engine in FLAVOURS:
        _compile_tensorrt(Bundle.open(bundle), FLAVOURS[engine], precision, options, cache, no_build)
    elif options != BuildOptions() or no_build:
        raise InputError(f"these options are for {' and '.join(FLAVOURS)}; name one with --engine, not {engine}")
    else:
        _compile_by_loading(Bundle.open(bundle), engine, precision, cache)
    out.print(f"plans: {escape(str(cache.root))}", soft_wrap=True)


def _compile_tensorrt(
    bundle: Bundle, flavour: Flavour, precision: str, options: BuildOptions, cache: PlanCache, no_build: bool
) -> None:
    """Build plans here, for any GPU; then, where such a GPU is here, load and gate them."""
    from ..engines.engine_set import EngineSet
    from ..engines.plan_key import covers_capability
    from ..engines.tensorrt.plan import compile_plans

    allowed = flavour.precisions
    if precision not in ("auto", *allowed):
        raise InputError(f"{flavour.name} has no precision {precision!r}; allowed: auto, {', '.join(allowed)}")
    chosen = allowed[0] if precision == "auto" else precision
    with bar(len(bundle.manifest.graphs)) as tell:
        on_mismatch: OnMismatch = "refuse" if no_build else "rebuild"
        plans = compile_plans(bundle, flavour, chosen, options, cache, tell, on_mismatch=on_mismatch)
    device, capability = flavour.target(options)
    target = f"compute capability {capability}" + ("" if device == "any" else f" ({device})")
    title = f"Bundle {escape(bundle.manifest.name)}: {flavour.name} {flavour.version}, {chosen}, {escape(target)}"
    table = Table("graph", *map(_right, ("layers", "FP16 share", "plan MB", "seconds")), "from", title=title)
    for name, plan in plans.items():
        network = plan.details["network"]
        share = "–" if network["fp16_share"] is None else f"{network['fp16_share']:.0%}"
        cells = (str(network["layers"]), share, f"{plan.size / 1e6:.2f}", f"{plan.seconds:.2f}")
        table.add_row(name, *cells, _origin(plan))
    out.print(table)
    try:
        here = flavour.gpu()
    except InputError as error:
        out.print(f"[yellow]note:[/] not run and not gated here: {escape(str(error))}", soft_wrap=True)
        return
    if not covers_capability(capability, here.capability):
        out.print(f"[yellow]note:[/] not gated here: this GPU has compute capability {here.capability}", soft_wrap=True)
        return
    with (
        status("gating") as say,
        EngineSet.load(bundle, flavour.name, chosen, cache=cache, on_progress=say, build_options=options) as loaded,
    ):
        out.print(parity_table(loaded.gate))
        _print_notes(loaded.notes)


def _compile_by_loading(bundle: Bundle, engine: str, precision: str, cache: PlanCache) -> None:
    from ..engines.engine_set import EngineSet

    with status("compiling") as say, EngineSet.load(bundle, engine, precision, cache=cache, on_progress=say) as loaded:
        table = Table(
            "graph", "engine", "precision", "plan", "seconds", "from", title=f"Bundle {escape(bundle.manifest.name)}"
        )
        lost: str | None = None
        for name, compiled in loaded.engines.items():
            plan = compiled.plan
            size, seconds, origin = "–", "–", "made at load, not kept"
            if plan is not None:
                size, seconds = f"{plan.size / 1e6:.2f} MB", f"{plan.seconds:.2f}"
                origin, lost = _origin(plan), lost or plan.not_kept
            table.add_row(name, loaded.chosen.candidate.label, loaded.precisions[name], size, seconds, origin)
        out.print(table)
        if loaded.gate:
            out.print(parity_table(loaded.gate))
        _print_notes(loaded.notes)
        if lost is not None:
            raise InputError(f"plans were built but could not be kept: {lost}")


def _print_notes(notes: list[str]) -> None:
    for note in notes:
        out.print(f"[yellow]note:[/] {escape(note)}", soft_wrap=True)


def _parse_optimum(text: str) -> tuple[int, int]:
    parts = text.lower().split("x")
    if len(parts) != 2 or not all(part.isdecimal() for part in parts):
        raise InputError(f"--optimum {text!r} is no NxM; for example 2x1 for two requests of one garment")
    return int(parts[0]), int(parts[1])


def _right(title: str) -> Any:
    from rich.table import Column

    return Column(title, justify="right")


def _origin(plan: Plan) -> str:
    if plan.hit:
        return "cache"
    short = {name: (old[:24], new[:24]) for name, (old, new) in plan.stale.items()}
    return "built" + "".join(f"\n{name}: {escape(old)} → {escape(new)}" for name, (old, new) in short.items())
