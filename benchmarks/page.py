"""The report as one page that needs nothing else: no script, no network; light and dark, wide and narrow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..data.optional import require
from . import content
from .headlines import HEADLINES
from .plots import COLOURS, Axis, Series, plot
from .report import BenchReport, Floor, Row
from .table import Table

TEMPLATE = Path(__file__).with_name("page.html")
UNITS = {"garments": "garments", "requests": "requests in a batch", "clients": "clients at once"}
_ROOM = 1.15
"""Bars leave so much room for the intervals' ends; what is longer is cut, or one noisy row would squash all others."""


@dataclass(frozen=True)
class Bar:
    """A bar: a name, parts with their colours and widths in per cent, an interval's ends, and what is written after."""

    name: str
    parts: Sequence[tuple[int, float]]
    text: str
    aside: str = ""
    ends: tuple[float, float] | None = None


@dataclass(frozen=True)
class Section:
    """A part of the page; left out when it has neither bars nor plots nor a table."""

    title: str
    note: str = ""
    bars: Sequence[Bar] = ()
    legend: Sequence[str] = ()
    plots: Sequence[tuple[str, str]] = ()
    table: Table | None = None
    folded: bool = False


def check_libraries() -> None:
    """Refuse to go on without the libraries that draw the page, before minutes of measuring.

    Raises
    ------
    MissingExtraError
        When one is not installed.
    """
    for library in ("jinja2", "matplotlib"):
        require(library, extra="bench", purpose="the report's page")


def render(report: BenchReport) -> str:
    """Return the page.

    Raises
    ------
    MissingExtraError
        When Jinja2 or matplotlib is not installed.
    """
    jinja2 = require("jinja2", extra="bench", purpose="the report's page")
    environment = jinja2.Environment(
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    machine, settings = report.machine, report.settings
    page: str = environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        title=f"oviton bench: {', '.join(settings.bundles)}",
        about=f"{machine.cores} cores of {machine.processor} ({machine.capability}), {machine.memory_gb} GB; "
        f"default engine {settings.default_engine}; commit {machine.commit or 'unknown'}; {machine.date}. "
        "Numbers are medians with 95\u00a0% bootstrap intervals.",
        try_on=report.try_on,
        try_on_meaning=content.try_on_meaning(report),
        headlines=[(each, report.headline[name]) for name, each in HEADLINES.items() if name in report.headline],
        sections=[section for section in _sections(report) if section.bars or section.plots or section.table],
        colours=COLOURS,
    )
    return page.lstrip() + "\n"


def _sections(report: BenchReport) -> list[Section]:
    first = report.settings.first_bundle
    engines = [row for row in report.rows if row.group == "engines"]
    related = any(row.relative for row in engines)
    return [
        Section(
            "Engines",
            f"The whole try-on of {first}, two garments, from arrays to arrays; engines took turns."
            + (" In brackets: time over PyTorch eager FP32's." if related else ""),
            _bars(engines, lambda row: row.runs_on),
        ),
        _stages(report),
        Section(
            "Bundles against each other",
            "The same in rounds of their own, where bundles took turns, each on its default engine. In brackets: time "
            f"over {first}'s.",
            _bars([row for row in report.rows if row.group == "bundles"], lambda row: row.bundle),
        ),
        Section(
            "On the GPU",
            "Device time of all graphs, arrays staying on the device.",
            _bars(
                [row for row in report.rows if row.suite == "gpu"],
                lambda row: f"{row.runs_on}, {row.bundle}, N = {row.requests}",
            ),
        ),
        _floors(report),
        Section(
            "Growth",
            "What one more garment of a try-on costs, one more request of a batch (a garment each, graphs alone), and "
            "one more client of a server.",
            plots=_growth(report),
            table=content.slope_table(report),
        ),
        Section(
            "Latency and throughput",
            f"In process: batches of a garment each, graphs alone. Served: {first}, two garments, through Triton, as "
            "clients see it.",
            plots=[*_batch_curve(report), *_server_curve(report)],
            table=content.server_table(report),
        ),
        Section(
            "Refinement",
            "One step, and how the loss falls.",
            plots=_refinement(report),
            table=content.number_table(report, "refinement"),
        ),
        Section(
            "Start-up and memory",
            "A process of its own from import to the first picture: with plans to build, and with plans in the cache.",
            table=content.start_table(report),
        ),
        Section("Export", table=content.number_table(report, "export")),
        Section("Not measured", table=content.skipped_table(report)),
        Section("Every row", "Compare only within a group.", table=content.row_table(report), folded=True),
    ]


def _bars(rows: Sequence[Row], name: Callable[[Row], str]) -> list[Bar]:
    widest = _ROOM * max((row.ms.value for row in rows), default=0) / 100
    return [
        Bar(
            name(row),
            [(0, row.ms.value / widest)],
            _time(row.ms.value),
            f"({row.relative.value:.2f} ×)" if row.relative else "",
            (row.ms.low / widest, row.ms.high / widest),
        )
        for row in content.by_time(rows)
    ]


def _stages(report: BenchReport) -> Section:
    rows = [
        row for row in report.rows if row.suite == "try_on" and row.stages and row.group in ("engines", "files", "jpeg")
    ]
    stages = content.stages_of(rows)
    widest = max((sum(row.stages.values()) for row in rows), default=0) / 100
    named = [(row.variant or row.runs_on, row) for row in rows]
    return Section(
        "Where the time goes",
        "By stage, in ms. Engines as above; from files to a file in rounds of its own, on the default engine.",
        [
            Bar(name, [(stages.index(s) % COLOURS, ms / widest) for s, ms in row.stages.items()], _time(row.ms.value))
            for name, row in named
        ],
        [stage.replace("_", " ") for stage in stages],
        table=content.stage_table("ms", named, ".2f"),
    )


def _floors(report: BenchReport) -> Section:
    ceilings = "; ".join(f"{c.name} {c.precision} {c.value.value:.0f} {c.unit} ({c.by})" for c in report.ceilings)
    return Section(
        "Against the floor",
        f"Each graph by itself, two garments. Ceilings, measured in the same rounds: {ceilings}. The floor is the "
        "larger of the least times for arithmetic and for traffic.",
        plots=_rooflines(report),
        table=content.floor_table(report),
    )


def _time(ms: float) -> str:
    return f"{ms:,.1f} ms" if ms < 100 else f"{ms:,.0f} ms" if ms < 10_000 else f"{ms / 1000:,.1f} s"


def _rooflines(report: BenchReport) -> list[tuple[str, str]]:
    """Return a plot for each bundle: the points of several would lie on each other."""
    longest_first = sorted(report.settings.bundles, key=len, reverse=True)  # one name may begin with another
    owned: dict[str, list[Floor]] = {name: [] for name in report.settings.bundles}
    for floor in report.floors:
        if floor.gmacs > 0:
            owner = next((name for name in longest_first if floor.graph.startswith(f"{name} ")), "")
            owned.setdefault(owner, []).append(floor)
    products = {c.precision: c.value.value for c in report.ceilings if c.name == "matrix product"}
    copied = next((c.value.value for c in report.ceilings if c.name == "copy"), None)
    if not products or copied is None:
        return []
    return [
        (f"Roofline, {name}", _roofline(name, floors, products, copied)) for name, floors in owned.items() if floors
    ]


def _roofline(bundle: str, floors: Sequence[Floor], products: dict[str, float], copied: float) -> str:
    places = [(floor.gmacs * 1000 / floor.megabytes, floor.gmacs / floor.ms.value * 1000) for floor in floors]
    along = [product / copied for product in products.values()] + [x for x, _ in places]
    left, right = min(along) / 2, max(along) * 2
    roofs = [
        Series(f"ceiling {name}", ((left, left * copied), (product / copied, product), (right, product)), dots=False)
        for name, product in products.items()
    ]
    points = [
        Series(floor.graph.removeprefix(f"{bundle} "), (at,), line=False)
        for floor, at in zip(floors, places, strict=True)
    ]
    return plot(Axis("multiply-accumulates a byte", log=True), Axis("GMAC/s", log=True), [*roofs, *points])


def _growth(report: BenchReport) -> list[tuple[str, str]]:
    plots = []
    for line in report.slopes:
        fitted = tuple((at, line.intercept.value + line.slope.value * at) for at in (min(line.sizes), max(line.sizes)))
        points = tuple((size, ms.value) for size, ms in zip(line.sizes, line.ms, strict=True))
        low, high = tuple(ms.low for ms in line.ms), tuple(ms.high for ms in line.ms)
        series = [
            Series("measured", points, low, high, line=False),
            Series(f"+{line.slope.value:.2f} ms each", fitted, dots=False),
        ]
        unit = UNITS[line.along]
        plots.append((f"{line.bundle}: time by {unit}", plot(Axis(unit), Axis("ms"), series)))
    return plots


def _batch_curve(report: BenchReport) -> list[tuple[str, str]]:
    series = []
    for line in report.slopes:
        if line.along == "requests":
            points = tuple((n / ms.value * 1000, ms.value) for n, ms in zip(line.sizes, line.ms, strict=True))
            series.append(Series(line.bundle, points, labels=tuple(f"N={n:g}" for n in line.sizes)))
    return [("In process, by batch", plot(Axis("requests a second"), Axis("ms a batch"), series))] if series else []


def _server_curve(report: BenchReport) -> list[tuple[str, str]]:
    rows = [row for row in report.rows if row.suite == "server" and row.variant != "response cache"]
    series = []
    for variant in dict.fromkeys(row.variant for row in rows):
        own = sorted((row for row in rows if row.variant == variant), key=lambda row: row.clients)
        for name, number in (("p50", "p50_ms"), ("p95", "p95_ms")):
            points = tuple((float(row.clients), row.numbers[number]) for row in own)
            series.append(Series(f"{variant}, {name}", points))
    return [("Served, by clients", plot(Axis("clients at once"), Axis("ms"), series))] if series else []


def _refinement(report: BenchReport) -> list[tuple[str, str]]:
    series = [
        Series(curve.name, tuple(zip(curve.seconds, curve.loss, strict=True)), dots=False) for curve in report.curves
    ]
    x, y = Axis("seconds"), Axis("loss, first step = 1", zero=False)
    return [("Quality against time", plot(x, y, series))] if series else []
