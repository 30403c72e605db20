"""`oviton bench`."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Column, Table

from ..data.errors import InputError
from .console import check_outputs, err, fail, out, status
from .explain import explain

if TYPE_CHECKING:
    from ..benchmarks.compare import Change
    from ..benchmarks.report import BenchReport
    from ..benchmarks.table import Table as TextTable

REGRESSED = 1
NOTHING_COMMON = 3
FAILED = 4
_COLOURS = {"met": "green", "missed": "red", "unclear": "yellow"}


def bench(
    quick: Annotated[bool, typer.Option("--quick", help="Fewer rounds and sizes: under two minutes.")] = False,
    suite: Annotated[
        list[str] | None,
        typer.Option(
            help="Only this suite; repeatable. try_on, graphs, scaling, refinement, start, server, gpu, export."
        ),
    ] = None,
    bundle: Annotated[
        list[Path] | None,
        typer.Option(
            help="Bundle folder; repeatable. The first is what the headline is about; by default the shipped one."
        ),
    ] = None,
    report: Annotated[
        Path | None, typer.Option("--report", metavar="DIR", help="Write bench.html, bench.md and bench.json there.")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write every number to this file.")] = None,
    compare: Annotated[
        Path | None,
        typer.Option(
            "--compare",
            metavar="OLD.json",
            help="Compare with an older run: exit 1 when something got worse, 3 when no ratio is in both.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the random order of turns.")] = 0,
) -> None:
    """Measure every engine of this machine, in turns, against each other and against the machine's own ceilings.

    Exits with 4 when a suite fails: 1 is left to what got worse.
    """
    with _crashes_apart():
        from ..benchmarks import markdown, page
        from ..benchmarks.bench import BenchOptions
        from ..benchmarks.compare import read_older
        from ..benchmarks.run import run_benchmarks
        from ..data.files import atomic_path

        writers: dict[Path, Callable[[BenchReport], str]] = {}
        if report is not None:
            page.check_libraries()
            writers = {report / "bench.html": page.render, report / "bench.md": markdown.render}
        for path in (report / "bench.json" if report is not None else None, json_file):
            if path is not None:
                writers[path] = lambda found: found.model_dump_json(indent=1) + "\n"
        outputs = list(writers)
        check_outputs(outputs, inputs=list(bundle or []))
        if compare is not None and any(path.resolve() == compare.resolve() for path in outputs):
            raise InputError(f"{compare} is compared with, so it is not overwritten; name another file")
        older = read_older(compare) if compare is not None else None
        options = BenchOptions(tuple(bundle or ()), tuple(suite or ()), quick, seed)
        with status("measuring") as update:
            found = run_benchmarks(options, update if err.is_terminal else _line)
        with ExitStack() as pending:  # all files appear together
            for path, written in writers.items():
                pending.enter_context(atomic_path(path)).write_text(written(found), encoding="utf-8")
        _print(found)
        for path in outputs:
            out.print(escape(str(path)), soft_wrap=True)
        changes = _print_changes(older, found) if older is not None else []
        sys.stdout.flush()
    if any(change.is_regression for change in changes):
        raise typer.Exit(REGRESSED)
    if found.failed:
        fail(f"failed: {', '.join(found.failed)}; reasons are told above, and what else was measured is kept", FAILED)
    if older is not None and not changes:
        fail(
            f"{compare}: no ratio is in both runs, so nothing was compared; measure its bundles "
            f"({', '.join(older.settings.bundles)}) and suites ({', '.join(older.settings.suites)}), or compare with "
            "another file",
            NOTHING_COMMON,
        )


@contextmanager
def _crashes_apart() -> Iterator[None]:
    """Leave with another status where a command leaves with 1, which would be taken for something that got worse."""
    try:
        yield
    except BrokenPipeError:
        raise
    except Exception as error:
        line, code = explain(error)
        if code != REGRESSED:
            raise
        if os.environ.get("OVITON_TRACEBACK"):
            traceback.print_exc()
        fail(line, FAILED)


def _line(what: str) -> None:
    err.print(what, markup=False)


def _print(report: BenchReport) -> None:
    from ..benchmarks import content

    for title, table in (
        ("Whole try-on, two garments", content.engine_table(report)),
        ("Headlines", content.target_table(report)),
    ):
        if table:
            out.print(_rich(title, table))
    if line := content.try_on_line(report):
        out.print(escape(line), soft_wrap=True)
    for name, why in report.skipped.items():
        verdict = "[red]failed:[/]" if name in report.failed else "[yellow]not measured:[/]"
        out.print(f"{verdict} {escape(name)}: {escape(why)}", soft_wrap=True)


def _rich(title: str, table: TextTable) -> Table:
    """Return a table for the terminal; verdicts have a colour."""
    shown = Table(*(Column(name, overflow="fold") for name in table.columns), title=title)
    for row in table.rows:
        shown.add_row(*(f"[{_COLOURS[cell]}]{cell}[/]" if cell in _COLOURS else escape(cell) for cell in row))
    return shown


def _print_changes(old: BenchReport, new: BenchReport) -> list[Change]:
    """Print what changed beyond noise, and return everything that was compared."""
    from ..benchmarks.compare import compare, remarks

    changes = compare(old, new)
    for remark in remarks(old, new):
        out.print(f"[yellow]note:[/] {escape(remark)}", soft_wrap=True)
    table = Table("ratio", "old", "new", "change", title="Beyond noise")
    for change in changes:
        if change.beyond_noise:
            colour = "red" if change.is_regression else "green"
            worse = f"[{colour}]{abs(change.worse) * 100:.0f} % {'worse' if change.is_regression else 'better'}[/]"
            table.add_row(escape(change.name), f"{change.old.value:.3g}", f"{change.new.value:.3g}", worse)
    if table.row_count:
        out.print(table)
    elif changes:
        out.print(f"{len(changes)} ratios compared: none changed beyond noise")
    return changes
