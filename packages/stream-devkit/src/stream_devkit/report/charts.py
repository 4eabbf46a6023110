"""The report's charts: what was counted, how long batches took, how the watermark moved."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import accumulate

from stream_devkit.events.generate import EventSpec
from stream_devkit.events.values import Value
from stream_devkit.outcome import DemoRun, Outcome
from stream_devkit.reconciliation import is_of_windows
from stream_devkit.verdict import Row

from .svg import Frame, box, chart, line, path, round_ticks, rule, steps, text, x_axis, y_axis

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Place = tuple[datetime, Value]
"""The start of a step, and a key."""
ALL = "events"
"""Stands for the key where events have none."""
COLOURS = 6
MOST_TICKS = 9
TICKS = [timedelta(minutes=minutes) for minutes in (5, 15, 30, 60, 120, 240, 720, 1440, 10_080)]


def counts(rows: Iterable[Row], spec: EventSpec) -> Counter[Place]:
    """How many events the rows stand for, for each step of the day and key."""
    found: Counter[Place] = Counter()
    for row in rows:
        key = row[spec.key] if spec.key else ALL
        if is_of_windows(spec.result_key):
            time, events = row["window_start"], row["event_count"]
        else:
            time, events = row[spec.time], 1
        found[time - (time - EPOCH) % spec.step, key] += events
    return found


def ranked(by_place: Counter[Place]) -> list[Value]:
    """The keys, the biggest first."""
    by_key: Counter[Value] = Counter()
    for (_, key), count in by_place.items():
        by_key[key] += count
    return [key for key, _ in by_key.most_common()]


def counted(outcome: Outcome, played: DemoRun) -> str:
    """Events per step, stacked by key; open windows are pale, late events are ticks."""
    spec = played.spec
    waiting = counts(outcome.waiting, spec)
    by_place = waiting + counts(outcome.rows, spec)
    starts, keys = _starts(by_place, spec.step), ranked(by_place)
    bands = [[by_place[start, key] for start in starts] for key in keys]
    tops = list(accumulate(bands, lambda low, own: [a + b for a, b in zip(low, own, strict=True)]))
    edges = [start.timestamp() for start in [*starts, starts[-1] + spec.step]]
    scale = round_ticks(max(tops[-1]))
    frame = Frame(320, (edges[0], edges[-1]), (0, scale[-1]), bottom=42)
    open_from = bisect_left(starts, min((start for start, _ in waiting), default=starts[-1]))
    parts = [y_axis(frame, [(tick, f"{tick:,.0f}") for tick in scale])]
    for number, top in enumerate(tops):
        low = tops[number - 1] if number else [0] * len(top)
        for css, span in (("", slice(open_from)), (" open", slice(open_from, None))):
            band = (edges[span.start or 0 :], low[span], top[span])
            parts += [path(steps(frame, *band), f"s{number % COLOURS}{css}")]
    if waiting:
        parts += _open_windows(frame, edges[open_from])
    parts += _late(frame, played)
    parts += [x_axis(frame, _clock_ticks(edges[0], edges[-1]))]
    for number, start in enumerate(starts):
        tip = [f"{start:%d %b %H:%M}: {tops[-1][number]:,} events"]
        tip += [f"{key}: {band[number]:,}" for key, band in zip(keys, bands, strict=True)]
        corners = (frame.x(edges[number]), frame.top), (frame.x(edges[number + 1]), frame.base)
        parts += [box(*corners, "hover", "\n".join(tip))]
    return chart(frame, "Events over time, stacked by key", parts)


def _starts(by_place: Counter[Place], step: timedelta) -> list[datetime]:
    """Every step from the first to the last, empty ones too."""
    found = [start for start, _ in by_place]
    first, last = min(found), max(found)
    return [first + number * step for number in range((last - first) // step + 1)]


def _open_windows(frame: Frame, since: float) -> Iterator[str]:
    x = frame.x(since)
    yield box((x, frame.top), (frame.width - frame.right, frame.base), "veil")
    yield rule(x, frame.top - 6, x, frame.base, "fence")
    yield text(x - 6, frame.top + 4, "still open", "note", "end")


def _late(frame: Frame, played: DemoRun) -> Iterator[str]:
    """A tick below the axis for each late event, where it would have been counted."""
    late = [event for event in played.traffic.all if event.late]
    happened = [event.values[played.spec.of(event).time] for event in late]
    for time in happened:
        x = frame.x(time.timestamp())
        yield rule(x, frame.base + 2, x, frame.base + 8, "mark")
    if happened:
        words = f"{len(happened):,} events of this time came hours later: too late"
        yield text(frame.x(min(happened).timestamp()), frame.height - 6, words, "late")


def _clock_ticks(first: float, last: float) -> list[tuple[float, str]]:
    step = next(
        (span for span in TICKS if (last - first) / span.total_seconds() <= MOST_TICKS), TICKS[-1]
    ).total_seconds()
    style = "%H:%M" if step < timedelta(days=1).total_seconds() else "%d %b"
    at = -(-first // step) * step
    ticks = []
    while at <= last:
        ticks.append((at, f"{datetime.fromtimestamp(at, UTC):{style}}"))
        at += step
    return ticks


def durations(played: DemoRun, interval: timedelta | None) -> str:
    """How long each batch took, against the time between triggers."""
    seconds = [batch.seconds for batch in played.batches]
    limit = interval.total_seconds() if interval else 0
    scale = round_ticks(max(*seconds, limit * 1.1))
    frame = _batch_frame(played, scale[-1])
    parts = [y_axis(frame, [(tick, f"{tick:g} s") for tick in scale])]
    for number, batch in enumerate(played.batches):
        tip = f"batch {batch.number}: {batch.rows:,} events in {batch.seconds:.2f} s"
        css = "bar" if batch.rows else "bar idle"
        top = (frame.x(number + 0.12), frame.y(batch.seconds))
        parts += [box(top, (frame.x(number + 0.88), frame.base), css, tip)]
    if limit:
        y, right = frame.y(limit), frame.width - frame.right
        parts += [rule(frame.left, y, right, y, "fence")]
        parts += [text(right, y - 6, f"trigger: every {limit:g} s", "note", "end")]
    return chart(frame, "Duration of each batch", [*parts, _batch_numbers(frame, played)])


def watermark(played: DemoRun) -> str:
    """The newest event read and the watermark behind it, batch by batch."""
    first = next(batch.newest for batch in played.batches if batch.newest)
    newest = list(accumulate((batch.newest or first for batch in played.batches), max))
    behind = [batch.watermark for batch in played.batches]
    marks = [max(time, first) if time else first for time in behind]
    read = [time.timestamp() for time in newest]
    times = [*read, *(time.timestamp() for time in marks)]
    frame = _batch_frame(played, max(times), min(times))
    parts = [y_axis(frame, _clock_ticks(min(times), max(times))), _batch_numbers(frame, played)]
    middles = [frame.x(number + 0.5) for number in range(len(newest))]
    upper = [(x, frame.y(time)) for x, time in zip(middles, read, strict=True)]
    lower = [(x, frame.y(time.timestamp())) for x, time in zip(middles, marks, strict=True)]
    outline = "M" + "L".join(f"{x},{y}" for x, y in [*upper, *reversed(lower)]) + "Z"
    parts += [path(outline, "gap"), line(upper, "event"), line(lower, "mark-water")]
    return chart(frame, "Newest event and watermark, batch by batch", parts)


def _batch_frame(played: DemoRun, top: float, bottom: float = 0) -> Frame:
    return Frame(230, (0, len(played.batches)), (bottom, top), left=58, width=480)


def _batch_numbers(frame: Frame, played: DemoRun) -> str:
    every = max(1, len(played.batches) // MOST_TICKS)
    numbered = [(number + 0.5, str(batch.number)) for number, batch in enumerate(played.batches)]
    return x_axis(frame, numbered[::every])
