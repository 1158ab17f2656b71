"""Small pictures as inline SVG: lines and points on two axes. Colours come from the page's style, so they suit light and dark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 420, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 12, 12, 44


@dataclass(frozen=True, slots=True)
class Series:
    """A named row of (x, y) points. ``style`` is a class of the page (``s1`` … ``s3``, ``faint``); ``dots`` marks each point."""

    name: str
    points: Sequence[tuple[float, float]]
    style: str = "s1"
    dots: bool = False
    line: bool = True


@dataclass(frozen=True, slots=True)
class Axis:
    """What an axis shows, and from where to where."""

    title: str
    low: float = 0.0
    high: float = 1.0

    def place(self, value: float, start: float, end: float) -> float:
        """Where a value stands between two pixels; values beyond the axis stand at its ends."""
        share = (value - self.low) / ((self.high - self.low) or 1.0)
        return round(start + (end - start) * min(max(share, 0.0), 1.0), 1)

    def ticks(self) -> list[float]:
        """About five round numbers along the axis."""
        span = (self.high - self.low) or 1.0
        step = min((s * 10**e for e in range(-5, 7) for s in (1, 2, 2.5, 5)), key=lambda s: abs(span / s - 5))
        first = -(-self.low // step)
        return [round((first + i) * step, 6) for i in range(int((self.high + step * 1e-6 - first * step) // step) + 1)]


def line_chart(series: Sequence[Series], x: Axis, y: Axis, title: str, legend: int = _LEFT) -> str:
    """A chart as an ``<svg>`` element. `title` is what a screen reader says; each dot tells its numbers when pointed at.

    The names of the series stand at the bottom, from the pixel `legend` on.

    >>> chart = line_chart([Series("a & b", [(0.0, 0.5), (1.0, 1.0)], dots=True)], Axis("recall"), Axis("precision"), "how <well>")
    >>> chart.startswith("<svg") and "a &amp; b" in chart and "how &lt;well&gt;" in chart
    True
    """
    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}"><title>{escape(title)}</title>', _grid(x, y)]
    for number, one in enumerate(series):
        places = [(_x(x, a), _y(y, b)) for a, b in one.points]
        if one.line and places:
            path = " ".join(f"{px},{py}" for px, py in places)
            parts.append(f'<polyline class="{one.style}" points="{path}"/>')
        if one.dots or len(places) == 1:
            for (px, py), (a, b) in zip(places, one.points):
                words = f"{escape(one.name)}: {_number(a)}, {_number(b)}"
                parts.append(f'<circle class="{one.style}" cx="{px}" cy="{py}" r="3.5"><title>{words}</title></circle>')
        if one.name:
            parts.append(_legend(one, number, legend))
    return "".join(parts) + "</svg>"


def _grid(x: Axis, y: Axis) -> str:
    bottom, right = HEIGHT - _BOTTOM, WIDTH - _RIGHT
    parts = []
    for tick in x.ticks():
        at = _x(x, tick)
        parts.append(f'<line class="grid" x1="{at}" y1="{_TOP}" x2="{at}" y2="{bottom}"/>')
        parts.append(f'<text class="tick" x="{at}" y="{bottom + 15}" text-anchor="middle">{_number(tick)}</text>')
    for tick in y.ticks():
        at = _y(y, tick)
        parts.append(f'<line class="grid" x1="{_LEFT}" y1="{at}" x2="{right}" y2="{at}"/>')
        parts.append(f'<text class="tick" x="{_LEFT - 6}" y="{at + 4}" text-anchor="end">{_number(tick)}</text>')
    middle = (_TOP + bottom) / 2
    parts.append(f'<text class="axis" x="{(_LEFT + right) / 2}" y="{HEIGHT - 8}" text-anchor="middle">{escape(x.title)}</text>')
    parts.append(f'<text class="axis" transform="translate(13 {middle}) rotate(-90)" text-anchor="middle">{escape(y.title)}</text>')
    return "".join(parts)


def _legend(series: Series, number: int, left: int) -> str:
    at = HEIGHT - _BOTTOM - 14 - 17 * number
    sign = f'<line class="{series.style}" x1="{left + 10}" y1="{at - 4}" x2="{left + 32}" y2="{at - 4}"/>'
    if not series.line:
        sign = f'<circle class="{series.style}" cx="{left + 21}" cy="{at - 4}" r="3.5"/>'
    return f'{sign}<text class="legend" x="{left + 38}" y="{at}">{escape(series.name)}</text>'


def _x(axis: Axis, value: float) -> float:
    return axis.place(value, _LEFT, WIDTH - _RIGHT)


def _y(axis: Axis, value: float) -> float:
    return axis.place(value, HEIGHT - _BOTTOM, _TOP)


def _number(value: float) -> str:
    return f"{value:,.4f}".rstrip("0").rstrip(".")
