import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from oviton.benchmarks import content, markdown, page
from oviton.benchmarks.machine import RESULTS
from oviton.benchmarks.plots import Axis, Series, plot
from oviton.benchmarks.report import BenchReport
from oviton.data.errors import MissingExtraError
from oviton.evaluation.intervals import Interval


class Page(HTMLParser):
    """Checks that elements nest, and gathers the text of each table's cells, row by row."""

    VOID = frozenset(("meta",))

    def __init__(self, text):
        super().__init__()
        self.open, self.rows = [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("td", "th"):
            self.rows[-1][-1] += data


@pytest.fixture(scope="module")
def report():
    return BenchReport.model_validate_json(Path(__file__).with_name("report.json").read_bytes())


@pytest.fixture(scope="module")
def html(report):
    return page.render(report)


def changed(report, change):
    """Return the report with other rows of the engines, and nothing to plot."""
    rows = (change(row) if row.group == "engines" else row for row in report.rows)
    kept = tuple(row for row in rows if row is not None)
    return report.model_copy(update={"rows": kept, "floors": (), "slopes": (), "curves": ()})


def whiskers(html, section):
    """Return each bar's width and its interval's left end and width, in per cent."""
    part = html.partition(f"<h2>{section}</h2>")[2].partition("<h2>")[0]
    found = re.findall(r'width:([\d.]+)%"></i><u style="left:([\d.]+)%;width:max\(2px,([\d.]+)%', part)
    return [tuple(map(float, each)) for each in found]


def test_the_page_needs_nothing_else_and_is_well_formed(html):
    Page(html)
    assert not re.search(r"<script|<link|src=|url\((?!#)|@import", html)
    assert set(re.findall(r"https?://[^\s\"]+", html)) <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    for part in ("prefers-color-scheme: dark", "width=device-width", "Roofline", "Where the time goes", "of the floor"):
        assert part in html


def test_the_page_shows_the_numbers(report, html):
    text = markdown.render(report)
    for value in ("8.99\u00a0×", "29.1\u00a0%", "19.1\u00a0%", "23.4\u00a0%"):
        assert value in html
        assert value in text
    for row in (row for row in report.rows if row.group == "engines"):
        assert f"| {row.engine} {row.precision} | {row.ms.value:.1f} |" in text


def test_one_line_says_what_a_try_on_takes(report, html):
    row = next(r for r in report.rows if (r.group, r.engine, r.precision) == ("engines", "openvino (cpu)", "bf16"))
    meaning = "small, two garments, from arrays to arrays, openvino (cpu) bf16"
    assert html.count("ms a try-on") == 1
    assert f"<b>{row.ms.value:.0f} ms a try-on</b>{meaning}" in html
    assert f"| ms a try-on: {meaning} | {row.ms.value:.1f} ms |" in markdown.render(report)
    assert content.try_on_line(report).startswith(f"{row.ms.value:.1f} ms a try-on (")
    without = changed(report, lambda row: None)
    assert "ms a try-on" not in page.render(without) + markdown.render(without) + content.try_on_line(without)


def test_a_wide_interval_does_not_squash_the_bars(report, html):
    slow = Interval(value=1000, low=900, high=90_000)
    wide = changed(report, lambda row: row.model_copy(update={"ms": slow}) if row.relative is None else row)
    widths = [width for width, _, _ in whiskers(page.render(wide), "Engines")]
    assert 80 < max(widths) < 100
    assert widths == sorted(widths)
    for (width, left, long), row in zip(
        whiskers(html, "Engines"),
        sorted((row for row in report.rows if row.group == "engines"), key=lambda row: row.ms.value),
        strict=True,
    ):
        assert left / width == pytest.approx(row.ms.low / row.ms.value, rel=0.01)
        assert (left + long) / width == pytest.approx(row.ms.high / row.ms.value, rel=0.01)


def test_without_pytorch_nothing_is_related_to_it(report):
    alone = changed(report, lambda row: row.model_copy(update={"relative": None}) if row.relative else None)
    assert "PyTorch eager" in content.engine_table(report).markdown()
    assert content.engine_table(alone).columns == ["engine", "ms", "95 % interval"]
    assert {len(row) for row in content.engine_table(alone).rows} == {3}
    assert "eager FP32's" not in page.render(alone)


def test_stages_are_a_table_of_one_line_each(report, html):
    rows = Page(html).rows
    at = next(index for index, row in enumerate(rows) if row[0] == "ms")
    assert rows[at][1:] == [
        "decode", "fit", "shape encoder", "shape generator", "appearance encoder", "appearance generator", "compositor",
        "restore", "encode", "in all",
    ]  # fmt: skip
    default = next(row for row in rows[at:] if row[0] == "openvino (cpu) bf16")
    assert default[1] == ""
    assert default[-1] == f"{report.try_on.ms.value:.2f}"  # the number of the headline


def test_names_are_escaped(report):
    evil = changed(report, lambda row: row).model_copy(update={"skipped": {"<b>": "a & b <script>", "x|y": "z"}})
    html = page.render(evil)
    assert "<script>" not in html
    assert "a &amp; b &lt;script&gt;" in html
    assert "| x\\|y | z |" in markdown.render(evil)


def texts(svg):
    return set(re.findall(r"<text[^>]*>([^<]*)</text>", svg))


def test_every_floor_is_drawn_beside_its_own_bundles():
    report = BenchReport.model_validate_json((RESULTS / "bench-base.json").read_bytes())
    named = {"base": "small", "small": "small (2)"}  # one name begins with the other
    floors = tuple(
        floor.model_copy(update={"graph": f"{named[bundle]} {graph}"})
        for floor in report.floors
        for bundle, graph in [floor.graph.split(" ")]
    )
    settings = report.settings.model_copy(update={"bundles": {"small": "a", "small (2)": "b"}})
    html = page.render(report.model_copy(update={"floors": floors, "settings": settings}))
    rooflines = re.findall(r"<figure><figcaption>(Roofline[^<]*)</figcaption>(.*?)</figure>", html, re.DOTALL)
    assert [title for title, _ in rooflines] == ["Roofline, small", "Roofline, small (2)"]
    graphs = {floor.graph.split()[1] for floor in report.floors}
    for _, figure in rooflines:
        assert graphs < texts(figure)


def test_more_series_than_colours_are_told_apart():
    svg = plot(Axis("x"), Axis("y"), [Series(f"s{i}", ((i, i), (i + 1, i))) for i in range(12)])
    assert {f"s{i}" for i in range(12)} | {"x", "y"} <= texts(svg)
    assert {f"var(--{i})" for i in range(9)} <= set(re.findall(r"var\(--\d\)", svg))
    assert svg.count("stroke-dasharray") >= 3
    assert "#f0f0" not in svg


def test_the_pages_libraries_are_asked_for_before_measuring(monkeypatch):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(MissingExtraError, match="the report's page needs jinja2, which is not installed"):
        page.check_libraries()
