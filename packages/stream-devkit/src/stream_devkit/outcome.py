"""What became of the demo's events: every record accounted for, and checked in several ways."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .events.generate import EventSpec, GeneratedEvents
from .job import BatchReport
from .reconciliation import Result, events_in
from .verdict import Check, Row, invalid, same_number, same_quarantine, same_rows, verdict


@dataclass(frozen=True)
class DemoRun:
    """A run of the demo: what was sent, where it landed, and what the job did with it."""

    spec: EventSpec
    traffic: GeneratedEvents
    origins: list[str]
    batches: list[BatchReport]


@dataclass(frozen=True)
class Outcome:
    """What the job left behind and how it compares."""

    rows: Sequence[Row]
    waiting: Sequence[Row]
    """The rows of windows that were not written yet, as the truth has them."""
    checks: list[Check]
    summary: dict[str, Any]


def compare(
    played: DemoRun,
    expected: Result,
    rows: Sequence[Row],
    quarantined: Sequence[Row],
) -> Outcome:
    """Compare what the job left behind with what is known of its input."""
    counts = _counts(played, rows, quarantined, expected)
    checks = [
        same_rows(expected.rows, rows),
        same_quarantine(invalid(played.origins, played.traffic), quarantined),
        *_agreements(played, counts, expected),
    ]
    return Outcome(rows, expected.waiting, checks, counts | {"verdict": verdict(checks)})


def _agreements(played: DemoRun, counts: Mapping[str, Any], expected: Result) -> Iterator[Check]:
    """Numbers that have to agree although they come from different places."""
    sent = len(played.origins)
    yield same_number("The job read every record once", sent, counts["input_rows"], "records")
    good = sent - counts["quarantined_rows"]
    parts = ("counted_rows", "open_rows", "late_rows", "duplicate_rows")
    found = sum(counts[part] or 0 for part in parts)
    if expected.placed is None:
        what = "Each record is accounted for: in the result, {}or in quarantine"
        elsewhere = {
            "still open": bool(expected.waiting),
            "too late": played.spec.drops_late,
            "a repeat": expected.duplicates is not None,
        }
        among = "".join(f"{place}, " for place, possible in elsewhere.items() if possible)
        yield same_number(what.format(among), good, found, "events that are not in quarantine")
    else:
        what = "Each event is wherever it has to be, or was left out for a reason"
        yield same_number(what, expected.placed, found, "places")
    if played.spec.drops_duplicates:
        repeated = sum(event.kind == "repeated" for event in played.traffic.all)
        what = "The events that were left out as repeats are those that were sent twice"
        yield same_number(what, repeated, counts["duplicate_rows"], "events")
    if played.spec.drops_late and expected.placed is None:
        late = sum(event.late for event in played.traffic.all)
        what = "The events that were left out as too late are those that were made late"
        yield same_number(what, late, counts["late_rows"], "events")
    if played.spec.counts_state and (expected.waiting or expected.remembered):
        what = "The job's state holds what is open or still remembered, and nothing else"
        rows = len(expected.waiting) + expected.remembered
        yield same_number(what, rows, played.batches[-1].state_rows, "rows of state")


def _counts(
    played: DemoRun, rows: Sequence[Row], quarantined: Sequence[Row], expected: Result
) -> dict[str, Any]:
    busy = [batch for batch in played.batches if batch.rows]
    read, seconds = sum(batch.rows for batch in busy), sum(batch.seconds for batch in busy)
    return {
        "input_rows": read,
        "output_rows": len(rows),
        "counted_rows": events_in(rows, played.spec.result_key),
        "open_rows": events_in(expected.waiting, played.spec.result_key),
        "late_rows": expected.late,
        "duplicate_rows": expected.duplicates,
        "quarantined_rows": len(quarantined),
        "batches": len(played.batches),
        "rows_per_second": round(read / seconds) if seconds else 0,
    }
