"""What a report shows: each table once, for the page, for Markdown and for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..evaluation.intervals import Interval
from .headlines import HEADLINES
from .report import BenchReport, Row
from .table import Table

FILES = ("files", "jpeg", "photographs")
"""Groups that are measured from files to a file."""

_JUDGED = ("measured", "95 % interval", "target", "verdict")


def machine_line(report: BenchReport) -> str:
    """Return where and when it was measured."""
    machine, engine = report.machine, report.settings.default_engine
    return (
        f"Measured {machine.date} on {machine.cores} cores of a shared {machine.processor} "
        f"({machine.capability}), commit {machine.commit or 'unknown'}, default engine {engine}."
    )


def try_on_line(report: BenchReport) -> str:
    """Return what a try-on takes, in a line; nothing when it was not measured."""
    if (row := report.try_on) is None:
        return ""
    return f"{row.ms.value:.1f} ms a try-on ({row.ms.low:.1f} to {row.ms.high:.1f}): {try_on_meaning(report)}"


def headline_table(report: BenchReport) -> Table:
    """Return what a try-on takes, and the headlines beside their targets."""
    rows = []
    if (row := report.try_on) is not None:
        span = f"{row.ms.low:.1f} to {row.ms.high:.1f} ms"
        rows.append([f"ms a try-on: {try_on_meaning(report)}", f"{row.ms.value:.1f} ms", span, "", ""])
    rows += [[HEADLINES[name].meaning, *cells] for name, *cells in target_table(report).rows]
    return Table(("headline", *_JUDGED), rows)


def target_table(report: BenchReport) -> Table:
    """Return the headlines, by their names in the result file, beside their targets."""
    rows = []
    for name, headline in HEADLINES.items():
        if name in report.headline:
            found = report.headline[name]
            span = f"{headline.text(found.low)} to {headline.text(found.high)}"
            rows.append([name, headline.text(found.value), span, headline.aim, headline.verdict(found)])
    return Table(("headline", *_JUDGED), rows)


def try_on_meaning(report: BenchReport) -> str:
    """Return what the milliseconds of a try-on are about."""
    return f"{report.settings.first_bundle}, two garments, from arrays to arrays, {report.settings.default_engine}"


def engine_table(report: BenchReport) -> Table:
    """Return the whole try-on by engine; without PyTorch there is nothing to relate the others to."""
    rows = by_time(row for row in report.rows if row.group == "engines")
    cells = [[row.runs_on, f"{row.ms.value:.1f}", f"{row.ms.low:.1f} to {row.ms.high:.1f}"] for row in rows]
    columns = ["engine", "ms", "95 % interval"]
    if any(row.relative for row in rows):
        columns.append("÷ PyTorch eager FP32")
        for row, line in zip(rows, cells, strict=True):
            line.append(f"{row.relative.value:.2f}" if row.relative else "1")
    return Table(columns, cells)


def file_table(report: BenchReport) -> Table:
    """Return where the time goes from files to a file."""
    rows = [row for row in report.rows if row.suite == "try_on" and row.group in FILES]
    return stage_table("person and two garments, ms", [(f"{row.bundle}, {row.variant}", row) for row in rows], ".0f")


def stage_table(title: str, named: Sequence[tuple[str, Row]], form: str) -> Table:
    """Return milliseconds by stage, a line for each row."""
    stages = stages_of(row for _, row in named)
    lines = [
        [name, *(format(row.stages[s], form) if s in row.stages else "" for s in stages), format(row.ms.value, form)]
        for name, row in named
    ]
    return Table([title, *(stage.replace("_", " ") for stage in stages), "in all"], lines)


def stages_of(rows: Iterable[Row]) -> list[str]:
    """Return the stages of rows in the order in which they happen: some rows have only the middle ones."""
    longest_first = sorted((row.stages for row in rows), key=len, reverse=True)
    return list(dict.fromkeys(stage for stages in longest_first for stage in stages))


def floor_table(report: BenchReport) -> Table:
    """Return each graph beside its floor."""
    columns = ("graph", "precision", "bound", "GMAC", "least MB", "floor ms", "measured ms", "of the floor")
    return Table(
        columns,
        [
            [
                f.graph,
                f.precision,
                f.bound,
                f"{f.gmacs:.3f}",
                f"{f.megabytes:.2f}",
                f"{f.fraction.value * f.ms.value:.2f}",
                f"{f.ms.value:.2f}",
                f"{f.fraction.value * 100:.0f} %",
            ]
            for f in report.floors
        ],
        words=3,
    )


def slope_table(report: BenchReport) -> Table:
    """Return what each further garment, request or client costs."""
    rows = [
        [
            s.bundle,
            s.along,
            f"{s.slope.value:.2f}",
            f"{s.slope.low:.2f} to {s.slope.high:.2f}",
            f"{s.relative.value * 100:.1f} % of {s.base:g}",
        ]
        for s in report.slopes
    ]
    return Table(("bundle", "along", "ms each", "95 % interval", "relative"), rows, words=2)


def server_table(report: BenchReport) -> Table:
    """Return latencies and throughput by clients."""
    numbers = ("p50_ms", "p95_ms", "p99_ms", "requests_per_second")
    rows = [
        [row.variant, str(row.clients), *(f"{row.numbers[name]:.1f}" for name in numbers)]
        for row in report.rows
        if row.suite == "server"
    ]
    return Table(("served", "clients", "p50 ms", "p95 ms", "p99 ms", "requests/s"), rows)


def start_table(report: BenchReport) -> Table:
    """Return start-up times and the peak of memory."""
    rows = [row for row in report.rows if row.suite == "start"]
    stages, numbers = stages_of(rows), _numbers(rows)
    lines = [
        [
            row.variant,
            *(f"{row.stages[stage]:.0f}" for stage in stages),
            f"{row.ms.value:.0f}",
            *(f"{row.numbers[name]:.0f}" if name in row.numbers else "" for name in numbers),
        ]
        for row in rows
    ]
    return Table(["start", *(f"{stage} ms" for stage in stages), "in all ms", *map(_words, numbers)], lines)


def number_table(report: BenchReport, suite: str) -> Table:
    """Return the further numbers of a suite's rows."""
    rows = [row for row in report.rows if row.suite == suite]
    names = _numbers(rows)
    lines = [
        [
            f"{row.bundle} {row.what}",
            f"{row.ms.value:,.0f}",
            *(f"{row.numbers[name]:.4g}" if name in row.numbers else "" for name in names),
        ]
        for row in rows
    ]
    return Table(["", "ms", *map(_words, names)], lines)


def skipped_table(report: BenchReport) -> Table:
    """Return what was not measured, and why."""
    return Table(("not measured", "why"), [[name, why] for name, why in report.skipped.items()], words=2)


def row_table(report: BenchReport) -> Table:
    """Return every row."""
    rows = [
        [
            row.key,
            span(row.ms),
            span(row.relative) if row.relative else "",
            str(row.rounds),
            "yes" if row.stable else "no",
        ]
        for row in report.rows
    ]
    return Table(("row", "ms", "of its group's reference", "rounds", "stable"), rows)


def by_time(rows: Iterable[Row]) -> list[Row]:
    """Return the fastest first."""
    return sorted(rows, key=lambda row: row.ms.value)


def span(interval: Interval) -> str:
    """Return a number with its interval."""
    return f"{interval.value:.3g} ({interval.low:.3g} to {interval.high:.3g})"


def _numbers(rows: Iterable[Row]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row.numbers))


def _words(name: str) -> str:
    return name.replace("_", " ")
