"""The parts of the demo: generated events, the comparison, and the report."""

import json
import math
import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import reduce
from random import Random
from typing import Any

import pytest
from stream_devkit.events.generate import Event, EventSpec, GeneratedEvents, generate, zip_batches
from stream_devkit.events.values import is_number, value
from stream_devkit.job import BatchReport
from stream_devkit.outcome import DemoRun, Outcome, compare, measure_latencies
from stream_devkit.reconciliation import Derived, Result
from stream_devkit.report import page
from stream_devkit.verdict import compare_quarantine, compare_rows

SECOND = timedelta(seconds=1)
NOW = datetime(2026, 3, 2, tzinfo=UTC)
WORDS = page.Words(title="<Name>", source="a topic", target="a table", steps=(), rows="", twice="")
COLUMNS = {
    "event_id": "STRING",
    "event_time": "TIMESTAMP",
    "event_type": "STRING",
    "user_id": "BIGINT",
    "amount": "DOUBLE",
}
ROLES = {"time": "event_time", "key": "event_type", "id": "event_id", "measure": "amount"}
EVENTS = EventSpec(COLUMNS, **ROLES, result_key=("event_id",))
RIGHT_EVENTS = EventSpec(
    {"id": "STRING", "time": "TIMESTAMP", "event_type": "STRING", "value": "DOUBLE"},
    time="time",
    key="event_type",
    id="id",
    measure="value",
)
SPECS = {
    "all roles": EVENTS,
    "two inputs": replace(EVENTS, right=RIGHT_EVENTS),
    "sessions": replace(EVENTS, step=timedelta(minutes=30), pauses=True),
    "duplicates are dropped": replace(EVENTS, drops_duplicates=True),
    "rows of a table": replace(EVENTS, typed=True),
    "a number as key": replace(EVENTS, key="user_id", id=None),
    "several keys": replace(EVENTS, key=("event_type", "user_id"), pauses=True),
    "no key": replace(EVENTS, key=None, measure=None),
    "fields of structs": EventSpec(
        {
            "meta": "STRUCT<id: STRING, at: TIMESTAMP, from: STRUCT<shop: STRING, till: INT>>",
            "amount": "DOUBLE",
            "meta_at": "TIMESTAMP",
            "meta_from_shop": "STRING",
            "meta_id": "STRING",
        },
        time="meta_at",
        key="meta_from_shop",
        id="meta_id",
        measure="amount",
        paths={
            "meta_at": ("meta", "at"),
            "meta_from_shop": ("meta", "from", "shop"),
            "meta_id": ("meta", "id"),
        },
    ),
    "nothing is late": replace(EVENTS, drops_late=False, duplicates=False),
    "other names": EventSpec(
        {"when": "TIMESTAMP", "höhe, m": "DECIMAL(9, 2)", "on": "BOOLEAN", "tags": "ARRAY<DATE>"},
        time="when",
        key="on",
        measure="höhe, m",
    ),
}


@pytest.fixture(name="spec", scope="module", params=SPECS)
def _spec(request) -> EventSpec:
    return SPECS[request.param]


@pytest.fixture(name="traffic", scope="module")
def _traffic(spec: EventSpec) -> GeneratedEvents:
    return generate(spec, 5_000)


# Events


def test_the_same_seed_gives_the_same_events(spec):
    """The same seed gives the same bytes, and another seed gives other events."""
    assert generate(spec, 500) == generate(spec, 500)
    assert generate(spec, 500) != generate(spec, 500, seed=8)


def test_every_record_has_the_reason_of_its_label(spec, traffic):
    """Plain Python finds the reason of each record from its bytes alone."""
    wrong = [event for event in traffic.all if event.reason != _reason(event, spec.of(event))]

    assert wrong == []


def test_valid_events_have_the_values_of_their_bytes(spec, traffic):
    """The values of a valid event are those in its bytes."""
    for event in (event for event in traffic.all if not event.reason):
        own = spec.of(event)
        sent = _columns(json.loads(event.raw), own)

        assert datetime.fromisoformat(sent[own.time]) == event.values[own.time]
        for name in own.keys:
            assert str(sent[name]) == str(event.values[name])
        if own.key:
            assert event.key.decode() == ", ".join(str(sent[name]) for name in own.keys)


def test_keys_of_several_columns_share_values():
    """A job that groups by one column of the key alone does not get the right groups."""
    events = generate(SPECS["several keys"], 500).valid[0][0]
    keys = {(event["event_type"], event["user_id"]) for event in events}

    for column in zip(*keys, strict=True):
        assert 1 < len({*column}) < len(keys)


def test_a_column_that_an_owner_groups_by_has_few_values():
    """A new grouping column makes groups of many events, although it has no role."""
    spec = replace(EVENTS, columns={**COLUMNS, "country": "STRING"}, result_key=("country",))

    values = {event["country"] for event in generate(spec, 500).valid[0][0]}

    assert None in values
    assert 2 < len(values) < 10


def test_only_late_events_are_behind_the_watermark(spec, traffic):
    """Out-of-order events stay within the delay, and late events are behind the watermark."""
    far = timedelta(days=9999)
    newest = dict.fromkeys(spec.inputs, NOW - far)
    for event in traffic.main:
        if not event.reason:
            time = event.values[spec.of(event).time]
            assert not event.late
            assert time > min(newest.values()) - spec.delay
            newest[event.table] = max(newest[event.table], time)
    long_gone = min(newest.values()) - spec.delay - timedelta(hours=1)
    for event in traffic.tail:
        if not event.reason:
            assert event.late == (event.values[spec.of(event).time] < long_gone)


def test_no_event_of_a_slice_becomes_late(spec, traffic):
    """No event of a slice becomes late, in any order of the partitions."""
    for events in zip_batches(traffic.all, spec.delay):
        good = (event for event in events if not event.reason and not event.late)
        times = [event.values[spec.of(event).time] for event in good]

        assert not times or max(times) - min(times) < spec.delay


def test_there_are_duplicate_late_and_invalid_records(spec, traffic):
    """There are duplicate, late and invalid records, if the project can have them."""
    kinds = Counter(event.kind for event in traffic.all)

    assert {"plain", "missing_time", "far_future"} <= set(kinds)
    assert ("duplicate" in kinds) == spec.duplicates
    assert ("late" in kinds) == spec.drops_late
    assert ("truncated" in kinds) != spec.typed
    assert min(kinds.values()) >= 4
    assert traffic.tail[-1].sent > traffic.main[-1].sent


@pytest.mark.parametrize(
    ("kind", "held"),
    [
        ("STRING", str),
        ("BIGINT", int),
        ("DOUBLE", float),
        ("DECIMAL(9, 2)", Decimal),
        ("BOOLEAN", bool),
        ("ARRAY<STRUCT<a: INT, b: MAP<STRING, DECIMAL(4, 1)>>>", list),
        ("STRUCT<a: INT, b: ARRAY<STRING>>", dict),
        ("BINARY", bytes),
    ],
)
def test_every_type_has_values(kind, held):
    """The generator makes a value of each column type."""
    assert isinstance(value(kind, Random(1), NOW), held)  # noqa: S311 - no secret


def _reason(event: Event, spec: EventSpec) -> str | None:
    """Return the expected reason, without the code of the job."""
    try:
        fields = _columns(json.loads((event.raw or b"").decode()), spec)
    except UnicodeDecodeError:
        return "invalid_utf8"
    except json.JSONDecodeError:
        return "malformed"
    time_of, amount = fields.get(spec.time), fields.get(str(spec.measure))
    numbers = [name for name, kind in spec.columns.items() if is_number(kind)]
    wrong_types = [isinstance(fields.get(name), str) for name in numbers]
    faults = {
        "malformed": any(wrong_types) or isinstance(time_of, dict | int),
        "missing_time": time_of is None,
        "past_time": str(time_of).startswith("1970"),
        "future_time": _is_ahead(time_of, event.sent),
        "missing_id": spec.id is not None and fields.get(spec.id) is None,
        "missing_key": any(fields.get(name) is None for name in spec.keys),
        "not_finite": isinstance(amount, float) and not math.isfinite(amount),
    }
    return next((reason for reason, found in faults.items() if found), None)


def _columns(fields: dict[str, Any], spec: EventSpec) -> dict[str, Any]:
    """Return the fields of a record, with those of structs that are columns."""
    return fields | {name: reduce(dict.get, path, fields) for name, path in spec.paths.items()}


def _is_ahead(time_of: object, sent: datetime) -> bool:
    latest = sent + timedelta(minutes=10)
    return isinstance(time_of, str) and datetime.fromisoformat(time_of) > latest


# Verdict and report


def test_a_difference_in_one_row_is_found():
    """A lost row, another value, or an empty result fails the comparison."""
    rows = [{"key": "a", "event_count": 1}, {"key": "b", "event_count": 2}]
    other = [rows[0], {"key": "b", "event_count": 3}]

    assert compare_rows(rows, rows[::-1]).holds
    assert not compare_rows(rows, rows[:1]).holds
    assert not compare_rows(rows, [*rows, rows[0]]).holds
    assert not compare_rows(rows, other).holds
    assert not compare_rows([], []).holds


def test_a_difference_in_quarantine_is_found():
    """A lost, an extra or a duplicate record, or a wrong reason, fails the comparison."""
    wanted = Counter({("t/0/1", "malformed"): 1})
    found = {"origin": "t/0/1", "reason": "malformed"}

    assert compare_quarantine(wanted, [found]).holds
    assert not compare_quarantine(wanted, []).holds
    assert not compare_quarantine(Counter(), [found]).holds
    assert not compare_quarantine(wanted, [found, found]).holds
    assert not compare_quarantine(wanted, [{**found, "reason": "missing_id"}]).holds


@pytest.fixture(name="played", scope="module")
def _played(spec: EventSpec) -> DemoRun:
    traffic = generate(spec, 2_000)
    origins = [f"events/0/{number}" for number in range(len(traffic.all))]
    newest = traffic.main[-1].sent
    first = BatchReport(0, NOW, len(traffic.main), 2.5, newest, None, 7)
    last = replace(first, number=1, rows=len(traffic.tail), watermark=newest)
    return DemoRun(spec, traffic, origins, [first, last])


def expected(played: DemoRun) -> Result:
    """Return the expected result of a job without windows: one row for each counted event."""
    good = [event for event in played.traffic.all if not event.reason and not event.late]
    drops = played.spec.drops_duplicates
    rows = [
        event.values
        for event in good
        if event.table == "source" and not (drops and event.kind == "duplicate")
    ]
    late = sum(event.late for event in played.traffic.all)
    duplicates = len(good) - len(rows) if drops else None
    pairs = [Derived("pairs", "the join", len(good), len(rows))] if played.spec.right else []
    return Result(rows, late=late, derived=pairs, duplicates=duplicates)


def _outcome(played: DemoRun, quarantined=None, **changes) -> Outcome:
    """Return the outcome of a correct job with these changes."""
    wanted = expected(played)
    kept = [
        {"origin": origin, "reason": event.reason}
        for origin, event in zip(played.origins, played.traffic.all, strict=True)
        if event.reason
    ]
    state_rows = len(wanted.pending) + wanted.retained
    last = replace(played.batches[-1], state_rows=state_rows, **changes)
    right = replace(played, batches=[played.batches[0], last])
    return compare(right, wanted, wanted.rows, kept if quarantined is None else quarantined)


def test_the_verdict_is_exact_if_the_counts_add_up(played):
    """The verdict is exact only if no record is lost or read twice."""
    summary = _outcome(played).summary

    assert summary["verdict"] == "exact"
    assert summary["input_rows"] == len(played.origins)
    assert (summary["late_rows"] > 0) == played.spec.drops_late
    assert "read every record once? No" in _outcome(played, rows=0).summary["verdict"]
    assert "Quarantine holds each invalid record" in _outcome(played, []).summary["verdict"]


@pytest.mark.parametrize("lost", [0, 1])
def test_late_events_are_compared_with_quarantine_and_counts(lost):
    """A late event that is not in quarantine, or not counted, is in the verdict."""
    spec = replace(EVENTS, keeps_late=True)
    traffic = generate(spec, 2_000)
    origins = [f"events/0/{number}" for number in range(len(traffic.all))]
    reasons = ["late" if event.late else event.reason for event in traffic.all]
    kept = [
        {"origin": origin, "reason": reason}
        for origin, reason in zip(origins, reasons, strict=True)
        if reason
    ]
    late = reasons.count("late") - lost
    batch = BatchReport(0, NOW, len(traffic.all), 2.5, None, None, 0, late=late)
    run = DemoRun(spec, traffic, origins, [batch])

    outcome = compare(run, expected(run), expected(run).rows, kept)
    without = compare(run, expected(run), expected(run).rows, [*kept[:-1]])

    failed = "The job counted each late event once? No" in outcome.summary["verdict"]
    assert failed == bool(lost)
    assert outcome.summary["invalid_rows"] == len(kept) - reasons.count("late")
    assert outcome.summary["quarantined_rows"] == len(kept)
    assert "each late event once, with its reason" in without.summary["verdict"]


def test_the_latency_of_a_row_is_that_of_its_event(played):
    """Only events count that were sent while the job ran; a second writing of a row does not."""
    time, begin = played.spec.time, len(played.traffic.main)
    sent = [NOW + number * SECOND for number in range(len(played.traffic.all))]
    numbered = [
        (event.values[time], sent[number] + (number + 1) * SECOND)
        for number, event in enumerate(played.traffic.all)
        if not event.reason and event.table == "source"
    ]
    again = [(moment, at + 99 * SECOND) for moment, at in numbered]

    found = measure_latencies(replace(played, sent=sent), [*again, *numbered, *again])

    moments = Counter(moment for moment, _ in numbered)
    alone = {at for moment, at in numbered if moments[moment] == 1}
    late = [
        number + 1
        for number in range(begin, len(sent))
        if sent[number] + (number + 1) * SECOND in alone
    ]
    assert found == late != []


def test_the_report_loads_nothing_and_escapes_records(played):
    """The report loads nothing, lists every reason, and shows records as text, not markup."""
    hostile = replace(played.traffic.main[0], raw=b"<script>x</script>", reason="a", kind="b")
    traffic = replace(played.traffic, main=[hostile, *played.traffic.main[1:]])
    outcome = _outcome(played)
    outcome.summary.update(guarantee="Exactly once", not_exercised=["a cluster"])

    text = page.render(
        WORDS,
        replace(played, traffic=traffic),
        outcome,
        interval=timedelta(seconds=2),
        places={"The result": "a & b"},
        commands={},
    )

    assert "&lt;script&gt;x" in text
    assert "<script" not in text
    assert "&lt;Name&gt;" in text
    assert "a &amp; b" in text
    assert not re.search(r"""(src|href)=|url\(|@import""", text)
    for reason in {event.reason for event in traffic.all if event.reason}:
        assert f"<code>{reason}</code>" in text
