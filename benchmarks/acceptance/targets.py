"""A table of targets: what is wanted, what was measured, and whether that is enough."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..machine import RESULTS

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Target:
    """One row.

    Parameters
    ----------
    name
        What is looked at.
    wanted
        What it has to be; empty for a row that only informs.
    measured
        What it is.
    passed
        Whether that is enough. Default: None, the row only informs.
    """

    name: str
    wanted: str
    measured: str
    passed: bool | None = None


def judge(title: str, targets: Iterable[Target]) -> NoReturn:
    """Print every target, and leave with status 1 when one is missed."""
    table = Table("target", "wanted", "measured", "", title=title, show_lines=True)
    missed = 0
    for target in targets:
        missed += target.passed is False
        mark = {True: Text("met", "green"), False: Text("MISSED", "bold red"), None: Text("")}[target.passed]
        table.add_row(Text(target.name), Text(target.wanted), Text(target.measured), mark)
    Console(width=None if sys.stdout.isatty() else 140).print(table)
    sys.exit(f"{missed} of the targets missed" if missed else 0)


def at_least(name: str, value: float | None, limit: float, told: str) -> Target:
    """Judge a number, of which `told` says where it is from; None is one that is missing."""
    measured = told if value is None else f"{value:.3f}, {told}"
    return Target(name, f"≥ {limit:g}", measured, value is not None and value >= limit)


def at_most(name: str, value: float | None, limit: float, told: str, unit: str = "") -> Target:
    """Judge a number likewise; one with a unit has no decimals of note."""
    measured = told if value is None else f"{value:g}{unit}, {told}" if unit else f"{value:.3f}, {told}"
    return Target(name, f"≤ {limit:g}{unit}", measured, value is not None and value <= limit)


def passes(name: str, *arguments: str) -> Target:
    """Run tests; one that finds none is missed."""
    return runs(name, "python", "-m", "pytest", *arguments)


def runs(name: str, *command: str) -> Target:
    """Run a command of this environment."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    last = next((line for line in reversed(done.stdout.splitlines()) if line.strip()), "no output").strip()
    return Target(name, f"{' '.join(command)}: exit 0", f"exit {done.returncode}: {last}", done.returncode == 0)


def read_result(name: str) -> tuple[dict[str, Any], str]:
    """Return a result file's results and which commit they are of; nothing, and what is missing, without a file."""
    path = RESULTS / f"{name}.json"
    if not path.exists():
        return {}, f"not measured: no benchmarks/results/{path.name}"
    found = json.loads(path.read_text(encoding="utf-8"))
    return found["results"], f"commit {found['machine']['commit']}"
