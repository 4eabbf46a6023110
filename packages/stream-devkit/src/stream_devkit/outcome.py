"""The outcome of the demo: the comparison with the test oracle, and the reconciliation."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .events.generate import EventSpec, GeneratedEvents
from .job import BatchReport
from .reconciliation import Result, events_in
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
    checks: list[Check]
    summary: dict[str, Any]


def compare(
    played: DemoRun,
    expected: Result,
    rows: Sequence[Row],
    quarantined: Sequence[Row],
) -> Outcome:
    """Compare result and quarantine with what is known of the input."""
    counts = _counts(played, rows, quarantined, expected)
    checks = [
        compare_rows(expected.rows, rows),
        compare_quarantine(invalid(played.origins, played.traffic), quarantined),
        *_agreements(played, counts, expected),
    ]
    return Outcome(rows, expected.pending, checks, counts | {"verdict": verdict(checks)})


def _agreements(played: DemoRun, counts: Mapping[str, Any], expected: Result) -> Iterator[Check]:
    """Yield checks of numbers that two sources report."""
    sent = len(played.origins)
    yield compare_number("The job read every record once", sent, counts["input_rows"], "records")
    valid = sent - counts["quarantined_rows"]
    parts = ("counted_rows", "open_rows", "late_rows", "duplicate_rows")
    found = sum(counts[part] or 0 for part in parts)
    if expected.assigned is None:
        what = "The counts add up: each record is in the result, {}or in quarantine"
        elsewhere = {
            "pending": bool(expected.pending),
            "late": played.spec.drops_late,
            "a duplicate": expected.duplicates is not None,
        }
        among = "".join(f"{place}, " for place, possible in elsewhere.items() if possible)
        yield compare_number(what.format(among), valid, found, "valid events")
    else:
        what = "The counts add up: each event counts in each of its rows, or is late or a duplicate"
        yield compare_number(what, expected.assigned, found, "events counted")
    if played.spec.drops_duplicates:
        repeated = sum(event.kind == "duplicate" for event in played.traffic.all)
        what = "The number of duplicates is that of the events that were sent twice"
        yield compare_number(what, repeated, counts["duplicate_rows"], "events")
    if played.spec.drops_late and expected.assigned is None:
        late = sum(event.late for event in played.traffic.all)
        what = "The number of late events is that of the events that were generated late"
        yield compare_number(what, late, counts["late_rows"], "events")
    if played.spec.counts_state and (expected.pending or expected.retained):
        what = "The state has exactly the pending and the retained rows"
        rows = len(expected.pending) + expected.retained
        yield compare_number(what, rows, played.batches[-1].state_rows, "rows of state")


def _counts(
    played: DemoRun, rows: Sequence[Row], quarantined: Sequence[Row], expected: Result
) -> dict[str, Any]:
    busy = [batch for batch in played.batches if batch.rows]
    read, seconds = sum(batch.rows for batch in busy), sum(batch.seconds for batch in busy)
    return {
        "input_rows": read,
        "output_rows": len(rows),
        "counted_rows": events_in(rows, played.spec.result_key),
        "open_rows": events_in(expected.pending, played.spec.result_key),
        "late_rows": expected.late,
        "duplicate_rows": expected.duplicates,
        "quarantined_rows": len(quarantined),
        "batches": len(played.batches),
        "rows_per_second": round(read / seconds) if seconds else 0,
    }
