"""`oviton compile`."""

from __future__ import annotations

from rich.markup import escape
from rich.table import Table

from .console import BundleArgument, EngineOption, PrecisionOption, out, parity_table, status


def compile_bundle(
    bundle: BundleArgument = None,
    engine: EngineOption = "auto",
    precision: PrecisionOption = "auto",
) -> None:
    """Compile a bundle for an engine on this machine and keep the plans, so that later starts are quick."""
    from ..engines.engine_set import EngineSet
    from ..engines.plan_cache import PlanCache
    from ..export.bundle import Bundle

    cache = PlanCache()
    opened = Bundle.open(bundle)
    with status("compiling") as say, EngineSet.load(opened, engine, precision, cache=cache, on_progress=say) as loaded:
        table = Table(
            "graph", "engine", "precision", "plan", "seconds", "from", title=f"Bundle {escape(opened.manifest.name)}"
        )
        for name, compiled in loaded.engines.items():
            plan = getattr(compiled, "plan", None)
            size, seconds, origin = "–", "–", "made at load, not kept"
            if plan is not None:
                size, seconds = f"{plan.size / 1e6:.2f} MB", f"{plan.seconds:.2f}"
                origin = "cache" if plan.hit else "built" + _stale_text(plan.stale)
            table.add_row(name, loaded.chosen.candidate.label, loaded.precision, size, seconds, origin)
        out.print(table)
        if loaded.gate:
            out.print(parity_table(loaded.gate))
        for note in loaded.notes:
            out.print(f"[yellow]note:[/] {escape(note)}", soft_wrap=True)
    out.print(f"plans: {escape(str(cache.root))}", soft_wrap=True)


def _stale_text(stale: dict[str, tuple[str, str]]) -> str:
    short = {name: (old[:24], new[:24]) for name, (old, new) in stale.items()}
    return "".join(f"\n{name}: {escape(old)} → {escape(new)}" for name, (old, new) in short.items())
