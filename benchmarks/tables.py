"""Filling the number tables of README and docs from results, so that no page quotes what was not measured.

A table stands between two comments, ``<!-- bench: NAME -->`` and ``<!-- /bench -->``. Run
``python -m oviton.benchmarks.tables``, with ``--check`` to only say whether a page is stale (exit 1).
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from pathlib import Path

from ..data.errors import InputError
from ..data.files import atomic_path
from . import content
from .evaluation_tables import EVALUATION_TABLES, Evaluations, read_evaluations
from .machine import RESULTS
from .report import BenchReport, read_report
from .table import Table

NOTHING = "Not measured yet: `make benchmark`, `make train`."
ROOT = Path(__file__).parents[1]
_PLACE = re.compile(r"(?P<open><!-- bench: (?P<name>[\w.-]+) -->\n).*?(?P<close><!-- /bench -->)", re.DOTALL)

TABLES: dict[str, Callable[[BenchReport], Table]] = {
    "headline": content.headline_table,
    "engines": content.engine_table,
    "files": content.file_table,
    "floors": content.floor_table,
    "slopes": content.slope_table,
}
"""What a page may ask for, of the newest benchmark, beside the line `machine` and `EVALUATION_TABLES`."""


def pages(root: Path = ROOT) -> list[Path]:
    """Return the pages that may hold tables."""
    return [path for path in (root / "README.md", *sorted((root / "docs").glob("*.md"))) if path.is_file()]


def filled(text: str, report: BenchReport | None, evaluations: Evaluations, page: str) -> str:
    """Return a page's text with every table filled; without results, tables say that nothing was measured yet.

    Raises
    ------
    InputError
        When the page asks for a table that does not exist.
    """

    def fill(found: re.Match[str]) -> str:
        name = found["name"]
        if name in EVALUATION_TABLES:
            table = EVALUATION_TABLES[name](evaluations).markdown()
        elif name in TABLES:
            table = TABLES[name](report).markdown() if report is not None else ""
        elif name == "machine":
            table = content.machine_line(report) if report is not None else ""
        else:
            known = ", ".join(["machine", *TABLES, *EVALUATION_TABLES])
            raise InputError(f"{page}: table {name!r} is unknown; allowed: {known}")
        return f"{found['open']}{table or NOTHING}\n{found['close']}"

    return _PLACE.sub(fill, text)


def stale(root: Path = ROOT, results: Path = RESULTS) -> dict[Path, str]:
    """Return the new text of every page whose tables are not what the results say."""
    newest = results / "bench-base.json"
    report = read_report(newest) if newest.exists() else None
    evaluations = read_evaluations(results)
    new = {page: filled(page.read_text(encoding="utf-8"), report, evaluations, page.name) for page in pages(root)}
    return {page: text for page, text in new.items() if text != page.read_text(encoding="utf-8")}


def main() -> None:
    """Fill the tables, or check them."""
    parser = argparse.ArgumentParser(prog="python -m oviton.benchmarks.tables", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a page is stale")
    check = parser.parse_args().check
    found = stale()
    for page, text in found.items():
        print(f"{page.name}: {'stale; run python -m oviton.benchmarks.tables' if check else 'filled'}")
        if not check:
            with atomic_path(page) as temporary:
                temporary.write_text(text, encoding="utf-8")
    if check and found:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
