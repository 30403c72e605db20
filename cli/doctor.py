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
    from ..engines.plan_cache import default_cache_folder, processor
    from ..engines.registry import survey

    found = survey()
    device, capability = processor()
    first = next((a for a in found if a.reason is None), None)
    if as_json:
        values: dict[str, Any] = {
            "oviton": __version__,
            "processor": device,
            "capability": capability,
            "cache": str(default_cache_folder()),
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
    out.print(f"plans: {escape(str(default_cache_folder()))}", soft_wrap=True)
    out.print(f"bundle: {_bundle_line()}", soft_wrap=True)
    out.print(f"engine=auto takes: {first.candidate.label if first else 'none'}")


def _bundle_line() -> str:
    from ..export.bundle import Bundle

    try:
        manifest = Bundle.open().manifest
    except InputError as error:
        return escape(str(error))
    state = "trained" if manifest.is_trained else "untrained"
    return f"{manifest.name}, {manifest.height}x{manifest.width}, {state}, verified"
