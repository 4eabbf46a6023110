"""The outcome of the demo: the comparison with the test oracle, and the reconciliation."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .events.generate import EventSpec, GeneratedEvents
from .job import BatchReport
from .reconciliation import Result, Split, split
from .verdict import Check, Row, compare_number, compare_quarantine, compare_rows, invalid, verdict


@dataclass(frozen=True)
class DemoRun:
    """A run of the demo: the events, their source references, and the reports of the job."""

    spec: EventSpec
    traffic: GeneratedEvents
    origins: list[str]
    batches: list[BatchReport]


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


def compare(
    played: DemoRun,
    expected: Result,
    rows: Sequence[Row],
    quarantined: Sequence[Row],
) -> Outcome:
    """Compare result and quarantine with what is known of the input."""
    busy = [batch for batch in played.batches if batch.rows]
    read, seconds = sum(batch.rows for batch in busy), sum(batch.seconds for batch in busy)
    splits = split(read, len(quarantined), rows, played.spec.result_key, expected)
    checks = [
        compare_rows(expected.rows, rows),
        compare_quarantine(invalid(played.origins, played.traffic), quarantined),
        *_agreements(played, read, splits, expected),
    ]
    summary = {
        "input_rows": read,
        "output_rows": len(rows),
        "counted_rows": splits[-1].parts["in the result"],
        "open_rows": splits[-1].parts["pending"],
        "late_rows": expected.late,
        "duplicate_rows": expected.duplicates,
        "quarantined_rows": len(quarantined),
        "parts": {one.unit: one.parts for one in splits},
        "batches": len(played.batches),
        "rows_per_second": round(read / seconds) if seconds else 0,
        "verdict": verdict(checks),
    }
    return Outcome(rows, expected.pending, splits, checks, summary)


def _agreements(
    played: DemoRun, read: int, splits: Iterable[Split], expected: Result
) -> Iterator[Check]:
    """Yield checks of numbers that two sources report."""
    yield compare_number("The job read every record once", len(played.origins), read, "records")
    for one in splits:
        names = [name for name, count in one.parts.items() if count]
        places = " or ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
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
    if played.spec.counts_state and (expected.pending or expected.retained):
        what = "The state has exactly the pending and the retained rows"
        rows = len(expected.pending) + expected.retained
        yield compare_number(what, rows, played.batches[-1].state_rows, "rows of state")
