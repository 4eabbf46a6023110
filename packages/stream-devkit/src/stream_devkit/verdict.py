"""The comparison of the job's result and quarantine with the test oracle."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stream_runtime.records import LATE

from .events.generate import EventSpec, GeneratedEvents
from .reconciliation import verdict as compare

Row = Mapping[str, Any]
Sighting = tuple[str, str]
"""The source reference of a record in quarantine, and the reason."""
EXACT = "exact"


@dataclass(frozen=True)
class Check:
    """One comparison, and whether it succeeded."""

    what: str
    found: str
    holds: bool


def is_late(row: Row) -> bool:
    """Return whether a record in quarantine is a late event: all others are invalid."""
    return bool(row["reason"] == LATE)


def read_quarantine(path: Path) -> list[Row]:
    """Return all records in quarantine."""
    files = sorted(path.glob("*/*/part-*.json"))
    return [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()]


def compare_rows(wanted: Sequence[Row], found: Sequence[Row]) -> Check:
    """Check that the result has exactly the rows of the test oracle."""
    what = "The result equals that of the test oracle, in plain Python"
    if not wanted:
        return Check(what, "there is nothing to compare: the result must have rows", holds=False)
    outcome = compare(found, wanted)
    equal = outcome == EXACT
    return Check(what, f"{len(found):,} rows, each equal" if equal else outcome, equal)


def compare_quarantine(wanted: Counter[Sighting], found: Sequence[Row]) -> Check:
    """Check that quarantine has exactly the wanted records, each once and with its reason."""
    is_late = any(reason == LATE for _, reason in wanted)
    kinds = "invalid record and each late event" if is_late else "invalid record"
    what = f"Quarantine holds each {kinds} once, with its reason and its origin"
    kept = Counter((row["origin"], row["reason"]) for row in found)
    if kept == wanted:
        return Check(what, f"{len(found):,} records", holds=True)
    lost, extra = wanted - kept, kept - wanted
    parts = {"not there": lost, "there, and should not be": extra}
    faults = [
        f"{sightings.total():,} {how}, such as {next(iter(sightings))}"
        for how, sightings in parts.items()
        if sightings
    ]
    return Check(what, "; ".join(faults), holds=False)


def expect_quarantine(
    origins: Sequence[str], traffic: GeneratedEvents, spec: EventSpec
) -> Counter[Sighting]:
    """Return the expected quarantine: source reference and reason of each record."""
    sent = zip(origins, traffic.all, strict=True)
    late = LATE if spec.keeps_late else None
    found = ((origin, late if event.late else event.reason) for origin, event in sent)
    return Counter((origin, reason) for origin, reason in found if reason)


def compare_number(what: str, wanted: int, found: int, unit: str) -> Check:
    """Check that two numbers are equal."""
    agree = wanted == found
    return Check(what, f"{found:,} {unit}" + ("" if agree else f" instead of {wanted:,}"), agree)


def verdict(checks: Iterable[Check]) -> str:
    """Return `exact`, or every check that failed, in one text."""
    failed = [f"{check.what}? No: {check.found}." for check in checks if not check.holds]
    return " ".join(failed) or EXACT
