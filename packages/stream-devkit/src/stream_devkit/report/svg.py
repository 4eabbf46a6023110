"""The shapes of the report's charts, as escaped SVG; their colours are in the stylesheet."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

WIDTH, NARROW = 1000, 480
"""The widths of a chart: on a wide screen, and in half a page or on a narrow screen."""
Point = tuple[float, float]


@dataclass(frozen=True)
class Frame:
    """The inner rectangle of a chart, and how data maps to it; all lengths are pixels."""

    x_range: tuple[float, float]
    y_range: tuple[float, float]
    width: int = NARROW
    height: int = 340
    left: int = 74
    right: int = 26
    top: int = 42
    bottom: int = 60

    def x(self, value: float) -> float:
        """Return the distance of a value from the left edge."""
        low, high = self.x_range
        share = (value - low) / ((high - low) or 1)
        return round(self.left + share * (self.width - self.left - self.right), 1)

    def y(self, value: float) -> float:
        """Return the distance of a value from the top edge."""
        low, high = self.y_range
        share = (value - low) / ((high - low) or 1)
        return round(self.base - share * (self.base - self.top), 1)

    @property
    def base(self) -> int:
        """The lower edge of the plot."""
        return self.height - self.bottom


def draw_chart(frame: Frame, label: str, parts: Iterable[Markup]) -> Markup:
    """Return the whole picture; a screen reader reads `label`."""
    svg = Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>')
    return svg.format(frame.width, frame.height, label, join(parts))


def join(parts: Iterable[Markup]) -> Markup:
    """Return the parts as one."""
    return Markup().join(parts)


def outline_band(
    frame: Frame, edges: Sequence[float], lower: Sequence[float], upper: Sequence[float]
) -> str:
    """Return the path around a band of a histogram; there is one edge more than there are steps."""
    out = [f"{frame.x(edges[0])},{frame.y(lower[0])}"]
    for number, value in enumerate(upper):
        y = frame.y(value)
        out += [f"{frame.x(edges[number])},{y}", f"{frame.x(edges[number + 1])},{y}"]
    for number in range(len(lower) - 1, -1, -1):
        y = frame.y(lower[number])
        out += [f"{frame.x(edges[number + 1])},{y}", f"{frame.x(edges[number])},{y}"]
    return f"{outline(out)}Z"


def outline(points: Iterable[str]) -> str:
    """Return the path through points, each of them `x,y`."""
    return "M" + "L".join(points)


def draw_path(path: str, css: str) -> Markup:
    """Return a path, filled or as a line, as the stylesheet says."""
    return Markup('<path class="{}" d="{}"/>').format(css, path)


def draw_line(points: Sequence[Point], css: str) -> Markup:
    """Return a line through points."""
    return draw_path(outline(f"{x},{y}" for x, y in points), f"line {css}")


def draw_rule(start: Point, end: Point, css: str) -> Markup:
    """Return a straight line between two points."""
    return Markup('<line class="{}" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(css, *start, *end)


def draw_box(start: Point, end: Point, css: str, tip: str = "") -> Markup:
    """Return a rectangle between two corners; a pointer over it shows the tip."""
    title = Markup("<title>{}</title>").format(tip) if tip else ""
    width, height = (f"{max(high - low, 0):.1f}" for low, high in zip(start, end, strict=True))
    box = Markup('<rect class="{}" x="{}" y="{}" width="{}" height="{}">{}</rect>')
    return box.format(css, *start, width, height, title)


def draw_text(place: Point, words: str, css: str = "", anchor: str = "start") -> Markup:
    """Return a label; `anchor` says which end of it is at the place."""
    label = Markup('<text class="{}" x="{}" y="{}" text-anchor="{}">{}</text>')
    return label.format(css, *place, anchor, words)


def draw_dots(points: Iterable[Point], css: str) -> Markup:
    """Return a dot at each point."""
    return draw_path("".join(f"M{x},{y}h0" for x, y in points), f"dots {css}")


def draw_y_axis(frame: Frame, ticks: Sequence[tuple[float, str]], title: str) -> Markup:
    """Return thin lines across the plot, with their labels on the left and the title above."""
    parts = [draw_text((2, frame.top - 24), title, "title")]
    for at, words in ticks:
        y = frame.y(at)
        parts.append(draw_rule((frame.left, y), (frame.width - frame.right, y), "grid"))
        parts.append(draw_text((frame.left - 8, y + 4), words, "tick", "end"))
    return join(parts)


def draw_x_axis(frame: Frame, ticks: Sequence[tuple[float, str]], title: str) -> Markup:
    """Return labels below the plot, and the title below them."""
    y = frame.base + 20
    labels = [draw_text((frame.x(at), y), words, "tick", "middle") for at, words in ticks]
    return join([*labels, draw_text((frame.width - 2, y + 24), title, "title", "end")])


def make_ticks(top: float, wanted: int = 4) -> list[float]:
    """Return numbers from 0 to at least `top`, with a round distance such as 250."""
    magnitude = 10.0 ** math.floor(math.log10(top / wanted)) if top > 0 else 1.0
    step = next(size * magnitude for size in (1, 2, 2.5, 5, 10) if size * magnitude * wanted >= top)
    ticks = [0.0]
    while ticks[-1] < top:
        ticks.append(round(ticks[-1] + step, 6))
    return ticks
