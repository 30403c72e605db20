import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from oviton.benchmarks import markdown, page
from oviton.benchmarks.machine import RESULTS
from oviton.benchmarks.plots import Axis, Series, plot
from oviton.benchmarks.report import BenchReport
from oviton.bundle.manifest import GRAPH_NAMES


class Balance(HTMLParser):
    """Fails on a tag that is not closed."""

    VOID = frozenset(("meta", "line", "circle", "polyline"))

    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, tag, attrs):
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert tag in self.VOID or self.open.pop() == tag


@pytest.fixture
def report():
    return BenchReport.model_validate_json(Path(__file__).with_name("report.json").read_bytes())


def test_the_page_needs_nothing_else_and_is_well_formed(report):
    html = page.render(report)
    assert not re.search(r"https?://|<script|<link|src=|url\(|@import", html)
    balance = Balance()
    balance.feed(html)
    assert balance.open == []
    for part in ("prefers-color-scheme:dark", "width=device-width", "Roofline", "Where the time goes", "of the floor"):
        assert part in html


def test_the_page_shows_the_numbers(report):
    html, text = page.render(report), markdown.render(report)
    for name, found in report.headline.items():
        assert page.headline(name, found.value) in html
        assert page.headline(name, found.value) in text
    for row in (row for row in report.rows if row.group == "engines"):
        assert f"| {row.engine} {row.precision} | {row.ms.value:.1f} |" in text


def test_names_are_escaped(report):
    evil = report.model_copy(update={"skipped": {"<b>": "a & b <script>"}})
    assert "<script>" not in page.render(evil)
    assert "a &amp; b &lt;script&gt;" in page.render(evil)


@pytest.mark.parametrize("log", [False, True])
def test_points_lie_where_the_axes_say(log):
    figure = plot("t", Axis("x", log=log), Axis("y", log=log), [Series("s", ((1, 10), (10, 100), (100, 1000)))])
    places = [(float(a), float(b)) for a, b in re.findall(r'cx="([\d.]+)" cy="([\d.]+)"', figure)]
    (x0, y0), (x1, y1), (x2, y2) = places
    assert x0 < x1 < x2
    assert y0 > y1 > y2
    if log:
        assert x1 - x0 == pytest.approx(x2 - x1, abs=0.2)
    else:
        assert (x2 - x1) / (x1 - x0) == pytest.approx(10, rel=0.02)


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
    rooflines = re.findall(r"<figure><figcaption>(Roofline[^<]*)</figcaption>(.*?)</figure>", html)
    assert [title for title, _ in rooflines] == ["Roofline, small", "Roofline, small (2)"]
    for _, figure in rooflines:
        assert figure.count("<circle") == 6
        for graph in (*GRAPH_NAMES, "all"):
            assert f"</i>{graph}</span>" in figure


def test_more_series_than_colours_are_drawn_and_told_apart(report):
    series = [Series(f"s{i}", ((i, i), (i + 1, i))) for i in range(12)]
    figure = plot("t", Axis("x"), Axis("y"), series)
    assert figure.count("<polyline") == 12
    keys = re.findall(r'<i class="([^"]+)"></i>s\d+', figure)
    assert len(set(keys)) == len(keys) == 12
    colours = set(re.findall(r"var\((--\d+)\)", page.render(report)))
    assert {f"--{key.split()[1][1:]}" for key in keys} <= colours
