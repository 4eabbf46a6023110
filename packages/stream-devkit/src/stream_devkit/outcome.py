"""The outcome of the demo: the comparison with the test oracle, and the reconciliation."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .events.generate import EventSpec, GeneratedEvents
from .events.values import Value
from .job import BatchReport
from .reconciliation import Result, Split, alternatives, split
from .verdict import (
    Check,
    Row,
    compare_number,
    compare_quarantine,
    compare_rows,
    expect_quarantine,
    is_late,
    verdict,
)


@dataclass(frozen=True)
class DemoRun:
    """A run of the demo: the events, their source references, and the reports of the job."""

    spec: EventSpec
    traffic: GeneratedEvents
    origins: list[str]
    batches: list[BatchReport]
    sent: Sequence[datetime] = ()
    """When each event was sent, by the clock of this machine."""


@dataclass(frozen=True)
class Outcome:
    """The result of the job, and its comparison with the test oracle."""

    rows: Sequence[Row]
    pending: Sequence[Row]
    """The pending rows of the test oracle."""
    splits: list[Split]
    """What became of the records, and of what the result counts instead of events."""
    checks: list[Check]
    summary: dict[str, Any]
    latencies: Sequence[float] = ()
    """The seconds from sending an event to writing its row, the shortest first."""


def compare(
    played: DemoRun,
    expected: Result,
    rows: Sequence[Row],
    quarantined: Sequence[Row],
) -> Outcome:
    """Compare result and quarantine with what is known of the input."""
    busy = [batch for batch in played.batches if batch.rows]
    read, seconds = sum(batch.rows for batch in busy), sum(batch.seconds for batch in busy)
    invalid = len(quarantined) - sum(map(is_late, quarantined))
    splits = split(read, invalid, rows, played.spec.result_key, expected)
    checks = [
        compare_rows(expected.rows, rows),
        compare_quarantine(
            expect_quarantine(played.origins, played.traffic, played.spec), quarantined
        ),
        *_agreements(played, read, splits, expected),
    ]
    summary = {
        "input_rows": read,
        "output_rows": len(rows),
        "counted_rows": splits[-1].parts["in the result"],
        "open_rows": splits[-1].parts["pending"],
        "late_rows": expected.late,
        "duplicate_rows": expected.duplicates,
        "invalid_rows": invalid,
        "quarantined_rows": len(quarantined),
        "parts": {one.unit: one.parts for one in splits},
        "batches": len(played.batches),
        "rows_per_second": round(read / seconds) if seconds else 0,
        "verdict": verdict(checks),
    }
    return Outcome(rows, expected.pending, splits, checks, summary)


def measure_latencies(played: DemoRun, written: Iterable[tuple[datetime, datetime]]) -> list[float]:
    """Return the seconds from sending an event to its row, for the events of the tail.

    All others wait for the start of the job. An event is found by its time, unless two have it.

    Args:
        played: the run.
        written: the event time of each row, and when it was written.
    """
    times = Counter(event.values.get(played.spec.time) for event in played.traffic.all)
    first: dict[Value, datetime] = {}
    for time, at in written:
        first[time] = min(at, first.get(time, at))
    begin = len(played.traffic.main)
    tail = zip(played.traffic.tail, played.sent[begin:], strict=True)
    found = ((event.values.get(played.spec.time), sent) for event, sent in tail)
    return sorted(
        (first[time] - sent).total_seconds()
        for time, sent in found
        if time in first and times[time] == 1
    )


def _agreements(
    played: DemoRun, read: int, splits: Iterable[Split], expected: Result
) -> Iterator[Check]:
    """Yield checks of numbers that two sources report."""
    yield compare_number("The job read every record once", len(played.origins), read, "records")
    for one in splits:
        places = alternatives([name for name, count in one.parts.items() if count])
        what = f"The {one.unit} add up: each is {places}"
        yield compare_number(what, one.whole, one.sum, one.unit)
    if played.spec.drops_duplicates:
        repeated = sum(event.kind == "duplicate" for event in played.traffic.all)
        what = "The number of duplicates is that of the events that were sent twice"
        yield compare_number(what, repeated, expected.duplicates or 0, "events")
    if played.spec.drops_late:
        late = sum(event.late for event in played.traffic.all)
        what = "The number of late events is that of the events that were generated late"
        yield compare_number(what, late, expected.late, "events")
    if played.spec.keeps_late:
        what = "The job counted each late event once"
        counted = sum(batch.late or 0 for batch in played.batches)
        yield compare_number(what, expected.late, counted, "events")
    if played.spec.counts_state and (expected.pending or expected.retained):
        what = "The state has exactly the pending and the retained rows"
        rows = len(expected.pending) + expected.retained
        yield compare_number(what, rows, played.batches[-1].state_rows, "rows of state")
