"""The report as one page that needs nothing else: no script, no network; light and dark, wide and narrow."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from ..bundle.families import O_VITON
from .intervals import Interval
from .plots import COLOURS, Axis, Series, plot
from .report import TARGETS, BenchReport, Floor, Row, meets

_STYLE = """
:root{color-scheme:light dark;--bg:#fff;--fg:#1d2433;--dim:#5b6577;--line:#dde2ea;--card:#f5f7fa;--good:#0a7a45;
--bad:#b3261e;--0:#2563c9;--1:#c8621b;--2:#178a63;--3:#8d4bb8;--4:#a8851a;--5:#c23a6b;--6:#4b8fb3;--7:#7a7f8a;--8:#5d9c2f}
@media(prefers-color-scheme:dark){:root{--bg:#12161d;--fg:#e6e9ef;--dim:#9aa5b5;--line:#2b3340;--card:#1a2029;
--good:#4fd08b;--bad:#ff8a80;--0:#6ea2ff;--1:#f2995a;--2:#4cc79a;--3:#c690ee;--4:#dcbb55;--5:#f27ba4;--6:#82c4e6;
--7:#a2a8b3;--8:#9ad46a}}
*{box-sizing:border-box}body{margin:0;background:var(--bg);color:var(--fg);font:16px/1.5 system-ui,sans-serif}
main{max-width:1060px;margin:auto;padding:20px 16px 60px}h1{font-size:1.7rem;margin:.2em 0}h2{font-size:1.2rem;
margin:2.2em 0 .6em;border-bottom:1px solid var(--line);padding-bottom:.25em}p{margin:.5em 0}.dim{color:var(--dim)}
.tiles{display:grid;gap:12px;grid-template-columns:repeat(auto-fit,minmax(215px,1fr))}.tile{background:var(--card);
border:1px solid var(--line);border-radius:10px;padding:12px 14px}.tile b{font-size:1.75rem;display:block;
line-height:1.2}.tile .v{font-weight:600}.ok .v{color:var(--good)}.no .v{color:var(--bad)}
.tile p{margin:.3em 0 0;font-size:.87rem}
.bars{display:grid;grid-template-columns:minmax(90px,max-content) 1fr max-content;gap:7px 10px;align-items:center;
font-size:.92rem}.bar{position:relative;height:18px;background:var(--card);border-radius:4px;overflow:hidden}
.bar>i{position:absolute;inset:0 auto 0 0;background:var(--0)}.bar>u{position:absolute;top:50%;height:2px;
margin-top:-1px;background:var(--fg)}.bar>u:before,.bar>u:after{content:"";position:absolute;top:-4px;width:2px;height:10px;
background:var(--fg)}.bar>u:after{right:0}.stack{display:flex}.stack>i{position:static;height:100%;flex:none}
.num{font-variant-numeric:tabular-nums;white-space:nowrap;text-align:right}.legend{display:flex;flex-wrap:wrap;
gap:3px 14px;font-size:.85rem;margin:.5em 0;color:var(--dim)}.k{display:inline-block;width:11px;height:11px;
border-radius:3px;margin-right:5px;vertical-align:-1px}.plots{display:grid;gap:18px;
grid-template-columns:repeat(auto-fit,minmax(min(100%,340px),1fr))}figure{margin:0;background:var(--card);
border:1px solid var(--line);border-radius:10px;padding:10px;
max-width:560px}figcaption{font-weight:600;font-size:.95rem;
margin-bottom:6px}svg{width:100%;height:auto;display:block}svg text{font:11px system-ui,sans-serif;fill:var(--dim)}
svg .label{fill:var(--fg)}.grid{stroke:var(--line);stroke-width:1}.l{fill:none;stroke-width:2}
.l.again{stroke-dasharray:5 4}circle.again{fill:var(--card);stroke-width:2}
.k.again{background:none;border:2px solid currentColor}
.scroll{overflow-x:auto}table{border-collapse:collapse;font-size:.88rem;width:100%}th,td{padding:5px 9px;
border-bottom:1px solid var(--line);text-align:left;white-space:nowrap}td.wrap{white-space:normal;min-width:220px}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}th{color:var(--dim);font-weight:600}
@media(max-width:520px){.bars{grid-template-columns:1fr max-content}.bars>.name{grid-column:1/3;margin-bottom:-6px}}
""" + "".join(
    f".c{i},.bar>.c{i}{{background:var(--{i});color:var(--{i})}}.s{i}{{stroke:var(--{i})}}.f{i}{{fill:var(--{i})}}"
    for i in range(COLOURS)
)

_SHORT = {
    "try_on_vs_eager_fp32": "vs PyTorch eager FP32",
    "fraction_of_floor": "of the floor",
    "extra_garment": "for one more garment",
    "pre_post_share": "before and after the networks",
}
_STAGES = ("decode", "fit", *O_VITON.graphs, "restore", "encode")


def render(report: BenchReport) -> str:
    """Return the page."""
    machine, settings = report.machine, report.settings
    bundles = ", ".join(settings.bundles)
    about = (
        f"{machine.cores} cores of {machine.processor} ({machine.capability}), {machine.memory_gb} GB; "
        f"default engine {settings.default_engine}; commit {machine.commit or 'unknown'}; {machine.date}"
    )
    sections = [
        ("", _tiles(report)),
        (
            "Whole try-on by engine; in brackets, time over PyTorch eager FP32's",
            _bars([r for r in report.rows if r.group == "engines"], _engine),
        ),
        ("Where the time goes", _stacks(report)),
        ("Bundles, in turns", _bars([r for r in report.rows if r.group == "bundles"], lambda r: r.bundle)),
        ("On the GPU, device time", _bars([r for r in report.rows if r.suite == "gpu"], _gpu)),
        ("Against the floor", _floors(report) + _wrap(_rooflines(report))),
        ("Growth", _wrap(_growth(report)) + _slopes(report)),
        ("Latency and throughput", _wrap([_batch_curve(report), _server_curve(report)]) + _server_table(report)),
        ("Refinement", _wrap([_refinement(report)]) + _numbers(report, "refinement")),
        ("Start-up and memory", _starts(report)),
        ("Export", _numbers(report, "export")),
        ("Not measured", _skipped(report)),
        ("Every row", _table(report)),
    ]
    body = "".join((f"<h2>{title}</h2>" if title else "") + content for title, content in sections if content)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" '
        f'content="width=device-width,initial-scale=1"><title>oviton bench: {escape(bundles)}</title>'
        f"<style>{_STYLE}</style></head><body><main><h1>oviton bench: {escape(bundles)}</h1>"
        f'<p class="dim">{escape(about)}</p><p class="dim">Medians with 95 % bootstrap intervals. Rows of a group took '
        f"turns in random order in one run; compare only within a group.</p>{body}</main></body></html>\n"
    )


def _tiles(report: BenchReport) -> str:
    tiles = []
    for name, (side, target, meaning) in TARGETS.items():
        if name not in report.headline:
            continue
        found = report.headline[name]
        met = meets(name, found.value)
        verdict = "met" if met else "missed"
        tiles.append(
            f'<div class="tile {"ok" if met else "no"}"><b>{headline(name, found.value)}</b>{_SHORT[name]}<p>'
            f'<span class="v">{verdict}</span>: {side} {headline(name, target)}, interval '
            f'{headline(name, found.low)} to {headline(name, found.high)}</p><p class="dim">{meaning}.</p></div>'
        )
    return f'<div class="tiles">{"".join(tiles)}</div>' if tiles else ""


def headline(name: str, value: float) -> str:
    """Return a headline's number as people read it."""
    return f"{value:.2f}\u00a0×" if name == "try_on_vs_eager_fp32" else f"{value * 100:.3g}\u00a0%"


def _engine(row: Row) -> str:
    return f"{row.engine} {row.precision}"


def _gpu(row: Row) -> str:
    return f"{row.engine} {row.precision}, {row.bundle}, N = {row.requests}"


def _bars(rows: Sequence[Row], name: object) -> str:
    if not rows:
        return ""
    widest = max(row.ms.high for row in rows)
    parts = []
    for row in sorted(rows, key=lambda row: row.ms.value):
        ends = (row.ms.low / widest * 100, (row.ms.high - row.ms.low) / widest * 100)
        parts.append(
            f'<div class="name">{escape(name(row))}</div><div class="bar">'  # type: ignore[operator]
            f'<i style="width:{row.ms.value / widest * 100:.2f}%"></i>'
            f'<u style="left:{ends[0]:.2f}%;width:max(2px,{ends[1]:.2f}%)"></u></div>'
            f'<div class="num">{_time(row.ms.value)}{_relative(row.relative)}</div>'
        )
    return f'<div class="bars">{"".join(parts)}</div>'


def _relative(relative: Interval | None) -> str:
    if relative is None:
        return ""
    return f' <span class="dim">({relative.value:.2f} ×)</span>'


def _stacks(report: BenchReport) -> str:
    groups = ("engines", "files", "jpeg")
    rows = [row for row in report.rows if row.suite == "try_on" and row.stages and row.group in groups]
    if not rows:
        return ""
    widest = max(sum(row.stages.values()) for row in rows)
    parts = []
    for row in rows:
        pieces = "".join(
            f'<i class="c{_STAGES.index(stage)}" style="width:{ms / widest * 100:.2f}%" '
            f'title="{stage} {ms:.2f} ms"></i>'
            for stage, ms in row.stages.items()
        )
        parts.append(
            f'<div class="name">{escape(_stacked(row))}</div><div class="bar stack">{pieces}</div>'
            f'<div class="num">{_time(sum(row.stages.values()))}</div>'
        )
    legend = "".join(f'<span><i class="k c{i}"></i>{stage}</span>' for i, stage in enumerate(_STAGES))
    head = "".join(f'<th class="n">{escape(_stacked(row))}</th>' for row in rows)
    lines = "".join(
        f"<tr><td>{stage}</td>" + "".join(f'<td class="n">{_ms(row.stages.get(stage))}</td>' for row in rows) + "</tr>"
        for stage in _STAGES
    )
    table = f'<div class="scroll"><table><tr><th>ms</th>{head}</tr>{lines}</table></div>'
    return f'<div class="bars">{"".join(parts)}</div><div class="legend">{legend}</div>{table}'


def _stacked(row: Row) -> str:
    return row.variant or _engine(row)


def _time(ms: float) -> str:
    return f"{ms:,.1f} ms" if ms < 100 else f"{ms:,.0f} ms" if ms < 10_000 else f"{ms / 1000:,.1f} s"


def _ms(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _floors(report: BenchReport) -> str:
    if not report.floors:
        return ""
    ceilings = "; ".join(
        f"{c.name} {c.precision} {c.value.value:.0f} {c.unit} ({escape(c.by)})" for c in report.ceilings
    )
    lines = "".join(
        f'<tr><td>{escape(f.graph)}</td><td>{f.precision}</td><td class="n">{f.gmacs:.3f}</td><td class="n">'
        f'{f.megabytes:.2f}</td><td class="n">{f.compute_ms:.2f}</td><td class="n">{f.memory_ms:.2f}</td><td>{f.bound}'
        f'</td><td class="n">{f.ms.value:.2f}</td><td class="n">{f.fraction.value * 100:.0f} %</td></tr>'
        for f in report.floors
    )
    columns = ("GMAC", "least MB", "compute ms", "memory ms")
    head = "".join(f'<th class="n">{column}</th>' for column in columns)
    return (
        f'<p class="dim">Ceilings, measured in the same rounds: {ceilings}. The floor is the larger of the least times '
        "for arithmetic and for traffic.</p>"
        f'<div class="scroll"><table><tr><th>graph</th><th></th>{head}<th>bound</th><th class="n">measured ms</th>'
        f'<th class="n">of the floor</th></tr>{lines}</table></div>'
    )


def _rooflines(report: BenchReport) -> list[str]:
    """Return a plot for each bundle: the points of several would lie on each other."""
    longest_first = sorted(report.settings.bundles, key=len, reverse=True)  # one name may begin with another
    owned: dict[str, list[Floor]] = {name: [] for name in report.settings.bundles}
    for floor in report.floors:
        if floor.gmacs > 0:
            owner = next((name for name in longest_first if floor.graph.startswith(f"{name} ")), "")
            owned.setdefault(owner, []).append(floor)
    return [_roofline(report, name, floors) for name, floors in owned.items() if floors]


def _roofline(report: BenchReport, bundle: str, floors: Sequence[Floor]) -> str:
    products = {c.precision: c.value.value for c in report.ceilings if c.name == "matrix product"}
    copies = [c.value.value for c in report.ceilings if c.name == "copy"]
    if not (products and copies):
        return ""
    copied = copies[0]

    def place(floor: Floor) -> tuple[float, float]:
        return floor.gmacs * 1000 / floor.megabytes, floor.gmacs / floor.ms.value * 1000

    places = [place(floor) for floor in floors]
    ridges = [product / copied for product in products.values()]
    left, right = min(*ridges, *(p[0] for p in places)) / 2, max(*ridges, *(p[0] for p in places)) * 2
    roofs = [
        Series(
            f"ceiling {precision}",
            ((left, left * copied), (product / copied, product), (right, product)),
            dots=False,
        )
        for precision, product in products.items()
    ]
    named = [floor.graph.removeprefix(f"{bundle} ") for floor in floors]
    points = [Series(name, (at,), line=False) for name, at in zip(named, places, strict=True)]
    title = f"Roofline, {bundle}" if len(report.settings.bundles) > 1 else "Roofline"
    return plot(title, Axis("multiply-accumulates a byte", log=True), Axis("GMAC/s", log=True), [*roofs, *points])


UNITS = {"garments": "garments", "requests": "requests in a batch", "clients": "clients at once"}


def _growth(report: BenchReport) -> list[str]:
    plots = []
    for line in report.slopes:
        unit = UNITS[line.along]
        ends = (min(line.sizes), max(line.sizes))
        fitted = tuple((at, line.intercept.value + line.slope.value * at) for at in ends)
        points = tuple((size, ms.value) for size, ms in zip(line.sizes, line.ms, strict=True))
        low, high = tuple(ms.low for ms in line.ms), tuple(ms.high for ms in line.ms)
        name = f"+{line.slope.value:.2f} ms each"
        series = [Series("measured", points, low, high, line=False), Series(name, fitted, dots=False)]
        plots.append(plot(f"{line.bundle}: time by {unit}", Axis(unit), Axis("ms"), series))
    return plots


def _slopes(report: BenchReport) -> str:
    lines = "".join(
        f'<tr><td>{escape(s.bundle)}</td><td>{s.along}</td><td class="n">{_span(s.slope)}</td><td class="n">'
        f"{s.relative.value * 100:.1f} % ({s.relative.low * 100:.1f} to {s.relative.high * 100:.1f})</td>"
        f'<td class="n">{s.base:g}</td></tr>'
        for s in report.slopes
    )
    head = '<th class="n">ms each</th><th class="n">relative to</th><th class="n">this many</th>'
    return (
        f'<div class="scroll"><table><tr><th>bundle</th><th>along</th>{head}</tr>{lines}</table></div>' if lines else ""
    )


def _batch_curve(report: BenchReport) -> str:
    series = []
    for line in report.slopes:
        if line.along == "requests":
            points = tuple((n / ms.value * 1000, ms.value) for n, ms in zip(line.sizes, line.ms, strict=True))
            series.append(Series(line.bundle, points, labels=tuple(f"N={n:g}" for n in line.sizes)))
    x, y = Axis("requests a second"), Axis("ms a batch")
    return plot("In process, by batch", x, y, series) if series else ""


def _server_curve(report: BenchReport) -> str:
    rows = [row for row in report.rows if row.suite == "server" and row.variant != "response cache"]
    series: list[Series] = []
    for variant in dict.fromkeys(row.variant for row in rows):
        own = sorted((row for row in rows if row.variant == variant), key=lambda row: row.clients)
        for number in ("p50_ms", "p95_ms"):
            points = tuple((row.numbers["requests_per_second"], row.numbers[number]) for row in own)
            labels = tuple(str(row.clients) for row in own) if number == "p95_ms" and not series[1:] else ()
            series.append(Series(f"{variant}, {number[:3]}", points, labels=labels))
    x, y = Axis("requests a second"), Axis("ms")
    return plot("Served, by clients", x, y, series) if series else ""


def _server_table(report: BenchReport) -> str:
    lines = "".join(
        f'<tr><td>{escape(row.variant)}</td><td class="n">{row.clients}</td>'
        + "".join(
            f'<td class="n">{row.numbers[name]:.1f}</td>'
            for name in ("p50_ms", "p95_ms", "p99_ms", "requests_per_second")
        )
        + "</tr>"
        for row in report.rows
        if row.suite == "server"
    )
    columns = ("clients", "p50 ms", "p95 ms", "p99 ms", "requests/s")
    head = "".join(f'<th class="n">{column}</th>' for column in columns)
    return f'<div class="scroll"><table><tr><th>served</th>{head}</tr>{lines}</table></div>' if lines else ""


def _refinement(report: BenchReport) -> str:
    series = [
        Series(curve.name, tuple(zip(curve.seconds, curve.loss, strict=True)), dots=False) for curve in report.curves
    ]
    x, y = Axis("seconds"), Axis("loss, first step = 1", zero=False)
    return plot("Quality against time", x, y, series) if series else ""


def _numbers(report: BenchReport, suite: str) -> str:
    rows = [row for row in report.rows if row.suite == suite]
    names = list(dict.fromkeys(name for row in rows for name in row.numbers))
    head = "".join(f'<th class="n">{escape(name.replace("_", " "))}</th>' for name in names)
    lines = "".join(
        f'<tr><td>{escape(row.bundle)} {row.what}</td><td class="n">{row.ms.value:,.0f}</td>'
        + "".join(f'<td class="n">{row.numbers.get(name, float("nan")):.4g}</td>' for name in names)
        + "</tr>"
        for row in rows
    )
    return (
        f'<div class="scroll"><table><tr><th></th><th class="n">ms</th>{head}</tr>{lines}</table></div>' if rows else ""
    )


def _starts(report: BenchReport) -> str:
    rows = [row for row in report.rows if row.suite == "start"]
    if not rows:
        return ""
    stages = list(rows[0].stages)
    head = "".join(f'<th class="n">{stage} ms</th>' for stage in stages)
    memory = "".join(f'<th class="n">{escape(name.replace("_", " "))}</th>' for name in rows[0].numbers)
    lines = "".join(
        f"<tr><td>{escape(row.variant)}</td>"
        + "".join(f'<td class="n">{row.stages[stage]:.0f}</td>' for stage in stages)
        + f'<td class="n">{row.ms.value:.0f}</td>'
        + "".join(f'<td class="n">{value:.0f}</td>' for value in row.numbers.values())
        + "</tr>"
        for row in rows
    )
    return f'<div class="scroll"><table><tr><th></th>{head}<th class="n">all ms</th>{memory}</tr>{lines}</table></div>'


def _skipped(report: BenchReport) -> str:
    lines = "".join(
        f'<tr><td>{escape(name)}</td><td class="wrap">{escape(why)}</td></tr>' for name, why in report.skipped.items()
    )
    return f'<div class="scroll"><table>{lines}</table></div>' if lines else ""


def _table(report: BenchReport) -> str:
    lines = "".join(
        f"<tr><td>{escape(row.key)}</td><td class='n'>{_span(row.ms)}</td><td class='n'>"
        f"{_span(row.relative) if row.relative else ''}</td><td class='n'>{row.rounds}</td>"
        f"<td>{'yes' if row.stable else 'no'}</td></tr>"
        for row in report.rows
    )
    head = (
        "<th>row</th><th class='n'>ms</th><th class='n'>of the reference</th><th class='n'>rounds</th><th>stable</th>"
    )
    return f'<div class="scroll"><table><tr>{head}</tr>{lines}</table></div>'


def _span(interval: Interval) -> str:
    return f"{interval.value:.3g} ({interval.low:.3g} to {interval.high:.3g})"


def _wrap(plots: Sequence[str]) -> str:
    found = "".join(plots)
    return f'<div class="plots">{found}</div>' if found else ""
