"""The charts of the report, as SVG: events over time, the watermark, durations of batches."""

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate

from markupsafe import Markup

from stream_devkit.events.generate import Event, EventSpec
from stream_devkit.events.values import Value
from stream_devkit.outcome import DemoRun, Outcome
from stream_devkit.reconciliation import is_of_windows
from stream_devkit.verdict import Row

from .svg import (
    WIDTH,
    Frame,
    Point,
    draw_box,
    draw_chart,
    draw_dots,
    draw_line,
    draw_path,
    draw_rule,
    draw_x_axis,
    draw_y_axis,
    make_ticks,
    outline,
    outline_band,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Place = tuple[datetime, Value]
"""The start of a step, and a key."""
EVENTS = "events"
COLOURS = 6
MOST_NUMBERS = 9
MOST_BARS = 5
"""The number of bars that can each have a label."""
LATENCIES = [size * 10**power / 1000 for power in range(5) for size in (1, 2, 5)]
"""The edges of the bars of latencies, in seconds."""
SAMPLE = 600
"""The number of events that a chart shows as dots, besides late events."""
TICKS = [timedelta(minutes=minutes) for minutes in (5, 15, 30, 60, 120, 240, 720, 1440, 10_080)]


@dataclass(frozen=True)
class Band:
    """The number of events in each step, with a name and a class of the stylesheet."""

    css: str
    name: str
    counts: list[int]


@dataclass(frozen=True)
class Stack:
    """Events per step and key; the bands of the keys lie on each other."""

    starts: list[datetime]
    edges: list[float]
    """The starts as seconds since 1970, and the end of the last step."""
    bands: list[Band]
    """The keys, with the largest first, and then the pending events of all keys."""
    tops: list[list[int]]
    """The upper edge of each band."""


def count_events(rows: Iterable[Row], spec: EventSpec) -> Counter[Place]:
    """Return the number of events in the rows, for each step and key."""
    found: Counter[Place] = Counter()
    for row in rows:
        values = [row[name] for name in spec.keys]
        key = values[0] if len(values) == 1 else ", ".join(map(str, values)) or EVENTS
        if is_of_windows(spec.result_key):
            time, events = row["window_start"], row["event_count"]
        else:
            time, events = row[spec.time], 1
        found[time - (time - EPOCH) % spec.step, key] += events
    return found


def name_counted(outcome: Outcome, spec: EventSpec) -> str:
    """Return what the rows count, in the plural: events, pairs, or rows of the join."""
    return outcome.splits[1].unit if spec.right else EVENTS


def rank_keys(by_place: Counter[Place]) -> list[Value]:
    """Return the keys, with the largest first."""
    by_key: Counter[Value] = Counter()
    for (_, key), count in by_place.items():
        by_key[key] += count
    return [key for key, _ in by_key.most_common()]


def draw_events(outcome: Outcome, played: DemoRun, width: int = WIDTH) -> Markup:
    """Return the events per step, stacked by key; it is empty if no row has an event.

    Events of pending rows are on top. The wide chart shows numbers under a pointer.
    """
    spec, counted = played.spec, name_counted(outcome, played.spec)
    stack = _stack(count_events(outcome.rows, spec), count_events(outcome.pending, spec), spec.step)
    if not stack:
        return Markup()
    scale = make_ticks(max(stack.tops[-1]))
    frame = Frame((stack.edges[0], stack.edges[-1]), (0, scale[-1]), width=width)
    numbers = [(tick, f"{tick:,.0f}") for tick in scale]
    parts = [
        draw_y_axis(frame, numbers, f"{counted} per step of {spoken(spec.step)}"),
        *_bands(frame, stack),
        draw_x_axis(frame, _clock_ticks(frame), "event time, UTC"),
        *(_tips(frame, stack, counted) if width == WIDTH else ()),
    ]
    title = f"{counted.capitalize()} over time" + (", stacked by key" if spec.keys else "")
    return draw_chart(frame, title, parts)


def _stack(written: Counter[Place], pending: Counter[Place], step: timedelta) -> Stack | None:
    """Return all steps from the first to the last, also those without events."""
    found = [start for start, _ in written + pending]
    if not found:
        return None
    first, last = min(found), max(found)
    starts = [first + number * step for number in range((last - first) // step + 1)]
    edges = [start.timestamp() for start in [*starts, last + step]]
    keys = rank_keys(written)
    bands = [
        Band(f"s{number % COLOURS}", str(key), [written[start, key] for start in starts])
        for number, key in enumerate(keys)
    ]
    if pending:
        waiting: Counter[datetime] = Counter()
        for (start, _), count in pending.items():
            waiting[start] += count
        bands.append(Band("pending", "pending", [waiting[start] for start in starts]))
    tops = accumulate(
        (band.counts for band in bands),
        lambda low, own: [a + b for a, b in zip(low, own, strict=True)],
    )
    return Stack(starts, edges, bands, list(tops))


def _bands(frame: Frame, stack: Stack) -> Iterator[Markup]:
    low = [0] * len(stack.starts)
    for band, top in zip(stack.bands, stack.tops, strict=True):
        yield draw_path(outline_band(frame, stack.edges, low, top), band.css)
        low = top


def _tips(frame: Frame, stack: Stack, counted: str) -> Iterator[Markup]:
    """Yield an area for each step, with its numbers."""
    for number, start in enumerate(stack.starts):
        lines = [f"{start:%d %b %H:%M}: {stack.tops[-1][number]:,} {counted}"]
        lines += [f"{band.name}: {band.counts[number]:,}" for band in stack.bands]
        left, right = (frame.x(edge) for edge in stack.edges[number : number + 2])
        yield draw_box((left, frame.top), (right, frame.base), "hover", "\n".join(lines))


def _clock_ticks(frame: Frame, *, is_vertical: bool = False) -> list[tuple[float, str]]:
    """Return round times of an axis; a midnight has its date."""
    first, last = frame.y_range if is_vertical else frame.x_range
    most = 6 if is_vertical else frame.width // 90
    sizes = [size.total_seconds() for size in TICKS]
    step = next((size for size in sizes if (last - first) / size <= most), sizes[-1])
    start = math.ceil(first / step)
    times = [number * step for number in range(start, int(last // step) + 1)]
    moments = [datetime.fromtimestamp(time, UTC) for time in times]
    return [
        (time, f"{moment:%d %b}" if moment.hour == moment.minute == 0 else f"{moment:%H:%M}")
        for time, moment in zip(times, moments, strict=True)
    ]


def draw_durations(played: DemoRun, interval: timedelta | None) -> Markup:
    """Return the duration of each batch, and the trigger's interval as a line."""
    seconds = [batch.seconds for batch in played.batches]
    limit = interval.total_seconds() if interval else 0
    scale = make_ticks(max(*seconds, limit * 1.1))
    frame = Frame((0, len(played.batches)), (0, scale[-1]))
    parts = [draw_y_axis(frame, [(tick, f"{tick:g} s") for tick in scale], "duration")]
    for number, batch in enumerate(played.batches):
        tip = f"batch {batch.number}: {batch.rows:,} records in {batch.seconds:.2f} s"
        top, corner = (frame.x(number + 0.12), frame.y(batch.seconds)), frame.x(number + 0.88)
        parts += [draw_box(top, (corner, frame.base), "bar" if batch.rows else "idle", tip)]
    if limit:
        y = frame.y(limit)
        parts += [draw_rule((frame.left, y), (frame.width - frame.right, y), "fence")]
    return draw_chart(frame, "Duration of each batch", [*parts, _batch_numbers(frame, played)])


def draw_arrivals(played: DemoRun) -> Markup:
    """Return event time against time of sending: some events, all late ones, and the watermark."""
    valid = [event for event in played.traffic.all if not event.reason]
    late = [_place(played, event) for event in valid if event.late]
    rest = [_place(played, event) for event in valid if not event.late]
    some = rest[:: -(-len(rest) // SAMPLE) or 1]
    times = [time for _, time in some + late]
    earliest, latest = min(times), max(times)
    line = _watermark(played, earliest)
    sent = [at for at, _ in some + late + line]
    frame = Frame((min(sent), max(sent)), (earliest, latest))
    edge = [(frame.x(at), frame.y(time)) for at, time in line]
    area = outline(
        f"{x},{y}" for x, y in [*edge, (edge[-1][0], frame.base), (edge[0][0], frame.base)]
    )
    parts = [
        draw_y_axis(frame, _clock_ticks(frame, is_vertical=True), "event time, UTC"),
        draw_x_axis(frame, _clock_ticks(frame), "time of sending, UTC"),
        draw_path(f"{area}Z", "watermark area"),
        draw_dots([(frame.x(at), frame.y(time)) for at, time in some], "result"),
        draw_line(edge, "watermark"),
        draw_dots([(frame.x(at), frame.y(time)) for at, time in late], "late"),
    ]
    return draw_chart(frame, "Event time against time of sending, with the watermark", parts)


def _place(played: DemoRun, event: Event) -> Point:
    """Return when an event was sent, and its event time, as seconds since 1970."""
    return event.sent.timestamp(), event.values[played.spec.of(event).time].timestamp()


def _watermark(played: DemoRun, earliest: float) -> list[Point]:
    """Return the watermark of each batch, from the first of its records to the last."""
    sent = [event.sent.timestamp() for event in played.traffic.all]
    line, read = [], 0
    for batch in (batch for batch in played.batches if batch.rows):
        mark = max(batch.watermark.timestamp() if batch.watermark else earliest, earliest)
        last = min(read + batch.rows, len(sent)) - 1
        line += [(sent[min(read, last)], mark), (sent[last], mark)]
        read += batch.rows
    return line


def draw_latencies(latencies: Sequence[float]) -> Markup:
    """Return the number of rows by their latency, in steps of 1, 2, 5, 10 and so on."""
    places = [bisect_right(LATENCIES, latency) for latency in latencies]
    first, last = min(places), max(places)
    counts = Counter(places)
    scale = make_ticks(max(counts.values()))
    frame = Frame((first, last + 1), (0, scale[-1]))
    every = 3 if last - first > MOST_BARS else 1
    edges = [(place, _speak(edge)) for place, edge in enumerate(LATENCIES, 1)][::every]
    ticks = [(place, words) for place, words in edges if first <= place <= last + 1]
    parts = [
        draw_y_axis(frame, [(tick, f"{tick:,.0f}") for tick in scale], "rows"),
        draw_x_axis(frame, ticks, "from sending an event to its row"),
    ]
    for place, count in counts.items():
        low, high = (_speak(edge) for edge in [0, *LATENCIES, math.inf][place : place + 2])
        top, corner = (frame.x(place + 0.06), frame.y(count)), (frame.x(place + 0.94), frame.base)
        parts.append(draw_box(top, corner, "result", f"{low} to {high}: {count:,} rows"))
    return draw_chart(frame, "Rows by latency", parts)


def speak_quantile(latencies: Sequence[float], part: float) -> str:
    """Return the latency that this part of the rows does not exceed, such as `12 ms`."""
    return _speak(latencies[math.ceil(part * len(latencies)) - 1]) if latencies else ""


def _speak(seconds: float) -> str:
    return f"{seconds * 1000:,.0f} ms" if seconds < 1 else f"{seconds:,.3g} s"


def _batch_numbers(frame: Frame, played: DemoRun) -> Markup:
    every = max(1, len(played.batches) // MOST_NUMBERS)
    numbered = [(number + 0.5, str(batch.number)) for number, batch in enumerate(played.batches)]
    return draw_x_axis(frame, numbered[::every], "batch")


def spoken(span: timedelta) -> str:
    """Return a time span in words, such as `5 minutes`."""
    units = {"day": 86_400, "hour": 3_600, "minute": 60, "second": 1}
    seconds = int(span.total_seconds())
    name, size = next((name, size) for name, size in units.items() if seconds % size == 0)
    count = seconds // size
    return f"{count} {name}" + ("s" if count != 1 else "")
