"""`oviton doctor`."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from .. import __version__
from ..data.errors import InputError
from .console import out


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Say which engines this machine can run, and why not the others."""
    from ..engines.plan_cache import PlanCache
    from ..engines.plan_key import processor
    from ..engines.registry import survey

    found = survey()
    device, capability = processor()
    gpu = _gpu_line()
    cache = PlanCache()
    first = next((a for a in found if a.reason is None and a.candidate.auto), None)
    if as_json:
        values: dict[str, Any] = {
            "oviton": __version__,
            "processor": device,
            "capability": capability,
            "gpu": gpu,
            "cache": None if cache.refusal else str(cache.root),
            "auto": first.candidate.label if first else None,
            "engines": [
                {
                    "engine": a.candidate.engine,
                    "device": a.candidate.device,
                    "version": a.version,
                    "runs": a.reason is None,
                    "reason": a.reason,
                    "precisions": a.precisions,
                }
                for a in found
            ],
        }
        print(json.dumps(values, indent=1))
        return
    table = Table("engine", "device", "version", "runs here", "precisions or reason", title=f"oviton {__version__}")
    for a in found:
        mark = "[green]yes[/]" if a.reason is None else "[red]no[/]"
        text = ", ".join(a.precisions) if a.reason is None else a.reason
        table.add_row(a.candidate.engine, a.candidate.device, a.version or "–", mark, escape(text))
    out.print(table)
    out.print(f"processor: {device} ({capability})", soft_wrap=True)
    out.print(f"GPU: {escape(gpu)}", soft_wrap=True)
    out.print(f"plans: {escape(cache.refusal or str(cache.root))}", soft_wrap=True)
    out.print(f"bundle: {_bundle_line()}", soft_wrap=True)
    out.print(f"engine=auto takes: {first.candidate.label if first else 'none'}")


def _gpu_line() -> str:
    from ..engines.tensorrt.device import find_gpu
    from ..engines.tensorrt.flavour import TENSORRT_RTX

    try:
        gpu = find_gpu()
    except InputError as error:
        builds = TENSORRT_RTX.version is not None
        hint = "; plans can be built all the same: oviton compile --engine tensorrt-rtx --compute-capability 8.9"
        return f"{error}{hint if builds else ''}"
    return f"{gpu.name}, compute capability {gpu.capability}, {gpu.memory_mb} MB, driver for CUDA {gpu.driver}"


def _bundle_line() -> str:
    from ..bundle.bundle import Bundle

    try:
        manifest = Bundle.open().manifest
    except InputError as error:
        return escape(str(error))
    state = "trained" if manifest.is_trained else "untrained"
    return f"{manifest.name}, {manifest.height}x{manifest.width}, {state}, verified"
