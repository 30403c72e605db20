"""Plots as SVG without scripts: points and lines on linear or logarithmic axes, coloured by the page's own style."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 380, 270
LEFT, RIGHT, TOP, BOTTOM = 52, 22, 12, 42
COLOURS = 9
"""The page's style has so many; further series take them again, with hollow points and dashed lines."""


@dataclass(frozen=True)
class Series:
    """Points of one colour.

    Parameters
    ----------
    name
        In the legend; empty for none.
    points
        x and y.
    low, high
        Intervals of y, as long as `points`; empty for none.
    line
        Whether points are joined.
    dots
        Whether points are drawn.
    labels
        A text at each point; empty for none.
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


def plot(title: str, x: Axis, y: Axis, series: Sequence[Series]) -> str:
    """Return a figure: the plot and its legend."""
    scale_x = _Scale(x, [p[0] for s in series for p in s.points], LEFT, WIDTH - RIGHT)
    values = [v for s in series for v in (*(p[1] for p in s.points), *s.low, *s.high)]
    scale_y = _Scale(y, values, HEIGHT - BOTTOM, TOP)
    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">']
    for value in scale_y.ticks:
        at = scale_y(value)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{_number(value)}</text>')
    for value in scale_x.ticks:
        at = scale_x(value)
        parts.append(f'<line class="grid" x1="{at:.1f}" x2="{at:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>')
        parts.append(f'<text x="{at:.1f}" y="{HEIGHT - BOTTOM + 15}" text-anchor="middle">{_number(value)}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text class="axis" x="{middle}" y="{HEIGHT - 6}" text-anchor="middle">{escape(x.title)}</text>')
    centre = (TOP + HEIGHT - BOTTOM) / 2
    parts.append(
        f'<text class="axis" transform="translate(13 {centre}) rotate(-90)" text-anchor="middle">'
        f"{escape(y.title)}</text>"
    )
    for index, each in enumerate(series):
        parts += _draw(each, index, scale_x, scale_y)
    legend = "".join(
        f'<span><i class="k {_colour("c", index)}"></i>{escape(each.name)}</span>'
        for index, each in enumerate(series)
        if each.name
    )
    return (
        f'<figure><figcaption>{escape(title)}</figcaption>{"".join(parts)}</svg><div class="legend">{legend}</div>'
        "</figure>"
    )


class _Scale:
    """From a number to a place along an axis."""

    def __init__(self, axis: Axis, values: Sequence[float], start: float, end: float) -> None:
        self.log, self.start, self.end = axis.log, start, end
        low, high = min(values), max(values)
        if self.log:
            first, last = math.floor(math.log10(low) + 1e-9), math.ceil(math.log10(high) - 1e-9)
            last = max(last, first + 1)
            self.low, self.high = float(first), float(last)
            self.ticks = [10.0**power for power in range(first, last + 1)]
            return
        if axis.zero:
            low = min(0.0, low)
        span = (high - low) or abs(high) or 1.0
        step = _step(span / 5)
        self.low, self.high = math.floor(low / step) * step, math.ceil(high / step - 1e-9) * step
        self.ticks = [self.low + step * i for i in range(round((self.high - self.low) / step) + 1)]

    def __call__(self, value: float) -> float:
        at = math.log10(value) if self.log else value
        return self.start + (at - self.low) / (self.high - self.low) * (self.end - self.start)


def _draw(series: Series, index: int, x: _Scale, y: _Scale) -> list[str]:
    parts: list[str] = []
    places = [(x(px), y(py)) for px, py in series.points]
    stroke, fill = _colour("s", index), _colour("f" if index < COLOURS else "s", index)
    if series.line and len(places) > 1:
        path = " ".join(f"{a:.1f},{b:.1f}" for a, b in places)
        parts.append(f'<polyline class="l {stroke}" points="{path}"/>')
    for (a, _), low, high in zip(places, series.low, series.high, strict=False):
        parts.append(f'<line class="l {stroke}" x1="{a:.1f}" x2="{a:.1f}" y1="{y(low):.1f}" y2="{y(high):.1f}"/>')
    if series.dots:
        parts += [f'<circle class="{fill}" cx="{a:.1f}" cy="{b:.1f}" r="3.5"/>' for a, b in places]
    for (a, b), label in zip(places, series.labels, strict=False):
        left = a > WIDTH * 0.62
        anchor, shift = ("end", -7) if left else ("start", 7)
        parts.append(
            f'<text class="label" x="{a + shift:.1f}" y="{b + 4:.1f}" text-anchor="{anchor}">{escape(label)}</text>'
        )
    return parts


def _colour(kind: str, index: int) -> str:
    return f"{kind}{index % COLOURS}" + (" again" if index >= COLOURS else "")


def _step(rough: float) -> float:
    """Return the next larger of 1, 2 and 5 times a power of ten."""
    power: float = 10.0 ** math.floor(math.log10(rough))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * (1 - 1e-9))


def _number(value: float) -> str:
    if value and (abs(value) >= 1e5 or abs(value) < 1e-3):
        power = round(math.log10(abs(value)))
        return f"10{str(power).translate(_SUPERSCRIPT)}"
    return f"{value:.6g}"


_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
