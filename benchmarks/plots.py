"""Plots as SVG in the page's own colours, drawn by matplotlib."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..data.optional import require

COLOURS = 9
"""The page's style has so many; further series take them again, hollow and dashed."""

_INK, _LINE = "#f0f0a0", "#f0f0b0"
_COLOURS = {f"#f0f00{i}": f"var(--{i})" for i in range(COLOURS)}
"""Colours that nothing else has, by the page's own, light or dark, that take their place."""


@dataclass(frozen=True)
class Series:
    """Points of one colour.

    Parameters
    ----------
    name
        In the legend.
    points
        x and y.
    low, high
        Ends of y's intervals, as long as `points`; none by default.
    line
        Whether points are joined; they are by default.
    dots
        Whether points are drawn; they are by default.
    labels
        A text at each point; none by default.
    """

    name: str
    points: tuple[tuple[float, float], ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    line: bool = True
    dots: bool = True
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Axis:
    """An axis: its title, whether it is logarithmic, and whether it starts at zero."""

    title: str
    log: bool = False
    zero: bool = True


def plot(x: Axis, y: Axis, series: Sequence[Series]) -> str:
    """Return a plot with its legend as an SVG element."""
    matplotlib = require("matplotlib", extra="bench", purpose="the report's page")
    figure_module = require("matplotlib.figure", extra="bench", purpose="the report's page")
    style = {"svg.fonttype": "none", "svg.hashsalt": "oviton", "font.size": 9, "axes.edgecolor": _LINE}
    style |= {"text.color": _INK, "axes.labelcolor": _INK, "xtick.color": _INK, "ytick.color": _INK}
    with matplotlib.rc_context(style):
        figure = figure_module.Figure(figsize=(4.6, 3.2), layout="constrained")
        axes = figure.add_subplot(
            xlabel=x.title, ylabel=y.title, xscale="log" if x.log else "linear", yscale="log" if y.log else "linear"
        )
        for index, each in enumerate(series):
            _draw(axes, each, list(_COLOURS)[index % COLOURS], again=index >= COLOURS)
        if y.zero and not y.log:
            axes.set_ylim(bottom=0)
        if x.zero and not x.log:
            axes.set_xlim(left=0)
        axes.grid(color=_LINE, linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
        figure.legend(loc="outside lower left", ncols=3, frameon=False, fontsize=8)
        written = io.StringIO()
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(written, format="svg", transparent=True, metadata=nothing)
    text = written.getvalue()
    for colour, own in {_INK: "var(--dim)", _LINE: "var(--line)", **_COLOURS}.items():
        text = text.replace(colour, own)
    return text[text.index("<svg") :]


def _draw(axes: Any, series: Series, colour: str, *, again: bool) -> None:
    xs, ys = zip(*series.points, strict=True)
    errors = None
    if series.low:
        errors = [[y - low for y, low in zip(ys, series.low, strict=True)]]
        errors += [[high - y for y, high in zip(ys, series.high, strict=True)]]
    axes.errorbar(
        xs,
        ys,
        yerr=errors,
        color=colour,
        label=series.name,
        linestyle=("--" if again else "-") if series.line else "",
        marker="o" if series.dots else "",
        markersize=4,
        markerfacecolor="none" if again else colour,
        capsize=2,
    )
    for at, label in zip(series.points, series.labels, strict=False):
        axes.annotate(label, at, xytext=(5, 3), textcoords="offset points", fontsize=8)
