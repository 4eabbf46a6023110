"""The few shapes that the report's charts are made of, as SVG text; colours come from its CSS."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

WIDTH = 1000
Point = tuple[float, float]


@dataclass(frozen=True)
class Frame:
    """A plot's inner rectangle, and how data maps onto it."""

    height: int
    x_range: tuple[float, float]
    y_range: tuple[float, float]
    left: int = 46
    right: int = 22
    top: int = 14
    bottom: int = 26
    width: int = WIDTH

    def x(self, value: float) -> float:
        """Where a value stands from the left."""
        low, high = self.x_range
        share = (value - low) / ((high - low) or 1)
        return round(self.left + share * (self.width - self.left - self.right), 1)

    def y(self, value: float) -> float:
        """Where a value stands from the top."""
        low, high = self.y_range
        share = (value - low) / ((high - low) or 1)
        return round(self.base - share * (self.base - self.top), 1)

    @property
    def base(self) -> int:
        """The lower edge of the plot."""
        return self.height - self.bottom


def chart(frame: Frame, label: str, parts: Iterable[str]) -> str:
    """A whole picture; `label` says for a screen reader what it shows."""
    return (
        f'<div class="chart"><svg viewBox="0 0 {frame.width} {frame.height}" role="img" '
        f'aria-label="{escape(label)}">{"".join(parts)}</svg></div>'
    )


def steps(
    frame: Frame, edges: Sequence[float], lower: Sequence[float], upper: Sequence[float]
) -> str:
    """The outline of a histogram band: `edges` has one element more than the others."""
    out = [f"{frame.x(edges[0])},{frame.y(lower[0])}"]
    for number, value in enumerate(upper):
        y = frame.y(value)
        out += [f"{frame.x(edges[number])},{y}", f"{frame.x(edges[number + 1])},{y}"]
    for number in range(len(lower) - 1, -1, -1):
        y = frame.y(lower[number])
        out += [f"{frame.x(edges[number + 1])},{y}", f"{frame.x(edges[number])},{y}"]
    return "M" + "L".join(out) + "Z"


def path(outline: str, css: str) -> str:
    """A filled or stroked outline."""
    return f'<path class="{css}" d="{outline}"/>'


def line(points: Sequence[Point], css: str) -> str:
    """A line through points (already in pixels)."""
    return path("M" + "L".join(f"{x},{y}" for x, y in points), f"line {css}") if points else ""


def rule(x1: float, y1: float, x2: float, y2: float, css: str) -> str:
    """A straight line."""
    return f'<line class="{css}" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>'


def box(start: Point, end: Point, css: str, tip: str = "") -> str:
    """A rectangle between two corners; `tip` shows when the pointer rests on it."""
    title = f"<title>{escape(tip)}</title>" if tip else ""
    (x, y), width, height = start, end[0] - start[0], end[1] - start[1]
    size = f'x="{x}" y="{y}" width="{max(width, 0):.1f}" height="{max(height, 0):.1f}"'
    return f'<rect class="{css}" {size}>{title}</rect>'


def text(x: float, y: float, words: str, css: str = "", anchor: str = "start") -> str:
    """A label."""
    return f'<text class="{css}" x="{x}" y="{y}" text-anchor="{anchor}">{escape(words)}</text>'


def y_axis(frame: Frame, ticks: Sequence[tuple[float, str]]) -> str:
    """Faint lines across the plot with their labels on the left."""
    right = frame.width - frame.right
    return "".join(
        rule(frame.left, frame.y(at), right, frame.y(at), "grid")
        + text(frame.left - 8, frame.y(at) + 4, words, "tick", "end")
        for at, words in ticks
    )


def x_axis(frame: Frame, ticks: Sequence[tuple[float, str]]) -> str:
    """Labels under the plot."""
    below = frame.base + 18
    return "".join(text(frame.x(at), below, words, "tick", "middle") for at, words in ticks)


def round_ticks(top: float, wanted: int = 4) -> list[float]:
    """From 0 to at least `top` in steps of 1, 2 or 5 times a power of ten."""
    magnitude = 10.0 ** math.floor(math.log10(top / wanted)) if top > 0 else 1.0
    step = next(size * magnitude for size in (1, 2, 2.5, 5, 10) if size * magnitude * wanted >= top)
    ticks = [0.0]
    while ticks[-1] < top:
        ticks.append(round(ticks[-1] + step, 6))
    return ticks
