"""The report as Markdown tables."""

from __future__ import annotations

from .page import headline
from .report import TARGETS, BenchReport, Row, meets


def render(report: BenchReport) -> str:
    """Return headlines, engines, floors and growth as Markdown."""
    machine = report.machine
    parts = [
        f"{machine.cores} cores of {machine.processor} ({machine.capability}), {machine.date}, "
        f"commit {machine.commit or 'unknown'}; default engine {report.settings.default_engine}.",
        headline_table(report),
        engine_table(report),
        file_table(report),
        floor_table(report),
        slope_table(report),
        server_table(report),
        start_table(report),
        _skipped(report),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def headline_table(report: BenchReport) -> str:
    """Return the headlines beside their targets; nothing when none was measured."""
    lines = ["| headline | measured | 95 % interval | target | |", "|---|---|---|---|---|"]
    for name, (side, target, meaning) in TARGETS.items():
        if name in report.headline:
            found = report.headline[name]
            met = "met" if meets(name, found.value) else "missed"
            span = f"{headline(name, found.low)} to {headline(name, found.high)}"
            aim = f"{side} {headline(name, target)}"
            lines.append(f"| {meaning} | {headline(name, found.value)} | {span} | {aim} | {met} |")
    return "\n".join(lines) if len(lines) > 2 else ""


def engine_table(report: BenchReport) -> str:
    """Return the whole try-on by engine."""
    rows = sorted((row for row in report.rows if row.group == "engines"), key=lambda row: row.ms.value)
    return _rows("engine", [(f"{row.engine} {row.precision}", row) for row in rows])


def _rows(title: str, named: list[tuple[str, Row]]) -> str:
    if not named:
        return ""
    lines = [f"| {title} | ms | interval | of the reference |", "|---|---|---|---|"]
    for name, row in named:
        relative = f"{row.relative.value:.2f}" if row.relative else "1"
        lines.append(f"| {name} | {row.ms.value:.1f} | {row.ms.low:.1f} to {row.ms.high:.1f} | {relative} |")
    return "\n".join(lines)


def file_table(report: BenchReport) -> str:
    """Return where the time goes from files to a file."""
    rows = [row for row in report.rows if row.suite == "try_on" and row.group in ("files", "jpeg", "photographs")]
    if not rows:
        return ""
    stages = list(rows[0].stages)
    lines = [f"| person and two garments, ms | {' | '.join(name.replace('_', ' ') for name in stages)} | in all |"]
    lines.append("|---" * (len(stages) + 2) + "|")
    for row in rows:
        times = " | ".join(f"{row.stages[stage]:.0f}" for stage in stages)
        lines.append(f"| {row.bundle}, {row.variant} | {times} | {sum(row.stages.values()):.0f} |")
    return "\n".join(lines)


def floor_table(report: BenchReport) -> str:
    """Return each graph beside its floor."""
    if not report.floors:
        return ""
    lines = ["| graph | GMAC | floor ms | bound | measured ms | of the floor |", "|---|---|---|---|---|---|"]
    for f in report.floors:
        floor = f.fraction.value * f.ms.value
        share = f"{f.fraction.value * 100:.0f} %"
        lines.append(f"| {f.graph} | {f.gmacs:.3f} | {floor:.2f} | {f.bound} | {f.ms.value:.2f} | {share} |")
    return "\n".join(lines)


def slope_table(report: BenchReport) -> str:
    """Return what each further garment and request costs."""
    if not report.slopes:
        return ""
    lines = ["| bundle | along | ms each | relative |", "|---|---|---|---|"]
    for s in report.slopes:
        lines.append(f"| {s.bundle} | {s.along} | {s.slope.value:.2f} | {s.relative.value * 100:.1f} % of {s.base:g} |")
    return "\n".join(lines)


def server_table(report: BenchReport) -> str:
    """Return latencies and throughput by clients."""
    rows = [row for row in report.rows if row.suite == "server"]
    if not rows:
        return ""
    lines = ["| served | clients | p50 ms | p95 ms | p99 ms | requests/s |", "|---|---|---|---|---|---|"]
    for row in rows:
        numbers = " | ".join(f"{row.numbers[n]:.1f}" for n in ("p50_ms", "p95_ms", "p99_ms", "requests_per_second"))
        lines.append(f"| {row.variant} | {row.clients} | {numbers} |")
    return "\n".join(lines)


def start_table(report: BenchReport) -> str:
    """Return start-up times and the peak of memory."""
    rows = [row for row in report.rows if row.suite == "start"]
    if not rows:
        return ""
    stages = list(rows[0].stages)
    lines = [f"| start | {' | '.join(f'{stage} ms' for stage in stages)} | peak MB |", "|---" * (len(stages) + 2) + "|"]
    for row in rows:
        times = " | ".join(f"{row.stages[stage]:.0f}" for stage in stages)
        lines.append(f"| {row.variant} | {times} | {row.numbers['peak_rss_mb']:.0f} |")
    return "\n".join(lines)


def machine_line(report: BenchReport) -> str:
    """Return where and when it was measured."""
    machine = report.machine
    return (
        f"Measured {machine.date} on {machine.cores} cores of a shared {machine.processor} "
        f"({machine.capability}), commit {machine.commit}, default engine {report.settings.default_engine}."
    )


def _skipped(report: BenchReport) -> str:
    return "\n".join(f"- not measured: {name}: {why}" for name, why in report.skipped.items())
