"""The diagram of the stream: its steps from top to bottom, with counts on the arrows."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from stream_devkit.outcome import DemoRun, Outcome

from .svg import Frame, Point, draw_box, draw_chart, draw_path, draw_rule, draw_text, join

WIDTH, MAIN, SIDE, SPACE = 420, 232, 128, 8
BOX, LINE, GAP = 48, 30, 44
"""The height of a box and of one beside it, and the length of an arrow."""
LETTER = 7.4
"""The width of a letter, in pixels: a text that may be too long ends with an ellipsis."""


@dataclass(frozen=True)
class Step:
    """A step between validation and sink."""

    name: str
    detail: str
    has_state: bool = True
    derives: bool = False
    """Whether it makes pairs or memberships of windows of the events."""


@dataclass(frozen=True)
class Node:
    """A box of the diagram, what leaves it, and what it leaves out."""

    name: str
    detail: str
    out: str = ""
    beside: Sequence[tuple[str, int]] = ()


def draw_stream(
    source: str,
    target: str,
    steps: Sequence[Step],
    played: DemoRun,
    outcome: Outcome,
    colours: Mapping[str, str],
) -> Markup:
    """Return the way of the records from the source to the sink."""
    parts = [*_draw_sources(source, played)]
    top: float = BOX + GAP
    for node in _follow(target, steps, played, outcome):
        height = max(BOX, len(node.beside) * LINE)
        parts.append(_draw_box((0, top), MAIN, node.name, node.detail, height=height))
        for number, (name, count) in enumerate(node.beside):
            middle = top + height * (number + 0.5) / len(node.beside)
            parts.append(_draw_aside(middle, name, count, colours[name]))
        top += height
        if node.out:
            parts.append(_draw_arrow(MAIN / 2, top, node.out))
            top += GAP
    frame = Frame((0, 1), (0, 1), WIDTH, round(top) + 1)
    return draw_chart(frame, "The steps of the stream, with counts on the arrows", parts)


def _follow(
    target: str, steps: Sequence[Step], played: DemoRun, outcome: Outcome
) -> Iterator[Node]:
    """Yield validation, the steps and the sink."""
    first, *later = outcome.splits
    left_out = dict(first.parts)
    unit, flow = "events", first.whole

    def leave(*names: str) -> list[tuple[str, int]]:
        nonlocal flow
        gone = [(name, count) for name in names if (count := left_out.pop(name, 0))]
        flow -= sum(count for _, count in gone)
        return gone

    invalid = leave("invalid")
    yield Node("Validate", "against the event schema", f"{flow:,} {unit}", invalid)
    stateful = [step for step in steps if step.has_state]
    for step in steps:
        gone = []
        if step in stateful[:1]:
            gone = leave("late", *(["duplicate"] if played.spec.drops_duplicates else []))
        if step.derives:
            made, *later = later
            left_out |= made.parts
            unit, flow = made.unit, made.whole
        if step in stateful[-1:]:
            gone += leave("pending", "of a closed window")
        yield Node(step.name, step.detail, f"{flow:,} {unit}", gone)
    older = leave("duplicate", "replaced")
    rows = f"{outcome.summary['output_rows']:,} rows" + (", newest per key" if older else "")
    yield Node(f"Sink: {target}", rows, beside=older)


def _draw_sources(place: str, played: DemoRun) -> Iterator[Markup]:
    """Yield a box for each input, and its arrow to the validation."""
    tables = Counter(event.table for event in played.traffic.all)
    if len(played.spec.inputs) == 1:
        yield _draw_box((0, 0), MAIN, f"Source: {place}")
        yield _draw_arrow(MAIN / 2, BOX, f"{tables.total():,} records")
        return
    half = (MAIN - SPACE) / 2
    for number, table in enumerate(played.spec.inputs):
        left = number * (half + SPACE)
        yield _draw_box((left, 0), half, ("Left input", "Right input")[number])
        yield _draw_arrow(left + half / 2, BOX, f"{tables[table]:,}" + " records" * number)


def _draw_box(
    corner: Point, width: float, name: str, detail: str = "", css: str = "node", height: float = BOX
) -> Markup:
    """Return a box with one or two lines of text in its middle."""
    (left, top), middle = corner, corner[1] + height / 2
    lines = [(name, "name", -3 if detail else 5), *([(detail, "", 15)] if detail else [])]
    return join(
        [
            draw_box(corner, (left + width, top + height), css),
            *(
                draw_text((left + width / 2, middle + down), _fit(text, width), kind, "middle")
                for text, kind, down in lines
            ),
        ]
    )


def _draw_aside(middle: float, name: str, count: int, css: str) -> Markup:
    """Return what a step leaves out: an arrow with a number, and a box."""
    left, top = WIDTH - SIDE, middle - LINE / 2 + 3
    parts = [
        draw_rule((MAIN, middle), (left, middle), "flow"),
        draw_path(f"M{left},{middle}l-7,-4v8Z", "head"),
        draw_text(((MAIN + left) / 2 - 3, middle - 5), f"{count:,}", "count", "middle"),
        _draw_box((left, top), SIDE, name, css=f"aside {css}", height=LINE - 6),
    ]
    return join(parts)


def _draw_arrow(x: float, top: float, words: str) -> Markup:
    parts = [
        draw_rule((x, top), (x, top + GAP), "flow"),
        draw_path(f"M{x},{top + GAP}l-4,-7h8Z", "head"),
        draw_text((x + 10, top + GAP / 2 + 3), words, "count"),
    ]
    return join(parts)


def _fit(text: str, width: float) -> str:
    """Return the text, shortened to the width of its box."""
    most = int(width / LETTER)
    return text if len(text) <= most else f"{text[: most - 1]}…"
