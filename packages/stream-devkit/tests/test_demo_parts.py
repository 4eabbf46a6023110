"""Events whose correct result is known, a strict comparison, and a harmless report."""

import json
import math
import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest
from stream_devkit.events.generate import Event, EventSpec, GeneratedEvents, generate, zip_batches
from stream_devkit.events.values import is_number, value
from stream_devkit.job import BatchReport
from stream_devkit.outcome import DemoRun, Outcome, compare
from stream_devkit.reconciliation import Result
from stream_devkit.report import page
from stream_devkit.verdict import compare_quarantine, compare_rows

NOW = datetime(2026, 3, 2, tzinfo=UTC)
WORDS = page.Words(title="<Name>", story="", rows="", twice="")
COLUMNS = {
    "event_id": "STRING",
    "event_time": "TIMESTAMP",
    "event_type": "STRING",
    "user_id": "BIGINT",
    "amount": "DOUBLE",
}
ROLES = {"time": "event_time", "key": "event_type", "id": "event_id", "measure": "amount"}
EVENTS = EventSpec(COLUMNS, **ROLES, result_key=("event_id",))
PARTNERS = EventSpec(
    {"id": "STRING", "time": "TIMESTAMP", "event_type": "STRING", "value": "DOUBLE"},
    time="time",
    key="event_type",
    id="id",
    measure="value",
)
SPECS = {
    "all roles": EVENTS,
    "two inputs": replace(EVENTS, right=PARTNERS),
    "sessions": replace(EVENTS, step=timedelta(minutes=30), pauses=True),
    "duplicates are dropped": replace(EVENTS, drops_duplicates=True),
    "rows of a table": replace(EVENTS, typed=True),
    "a number as key": replace(EVENTS, key="user_id", id=None),
    "no key": replace(EVENTS, key=None, measure=None),
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
    """A demo can be repeated to the byte, and another seed gives other events."""
    assert generate(spec, 500) == generate(spec, 500)
    assert generate(spec, 500) != generate(spec, 500, seed=8)


def test_every_event_is_what_its_label_says(spec, traffic):
    """Plain Python finds for each record, from its bytes alone, the reason of its label."""
    wrong = [event for event in traffic.all if event.reason != _reason(event, spec.of(event))]

    assert wrong == []


def test_good_events_carry_the_values_that_their_bytes_hold(spec, traffic):
    """The truth from which the expected result is computed is the truth that is sent."""
    for event in (event for event in traffic.all if not event.reason):
        sent = json.loads(event.raw)
        own = spec.of(event)

        assert datetime.fromisoformat(sent[own.time]) == event.values[own.time]
        if own.key:
            assert str(sent[own.key]) == str(event.values[own.key]) == event.key.decode()


def test_only_late_events_fall_below_the_watermark(spec, traffic):
    """Disorder stays within the delay, whatever the batches; late events are late in any case."""
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


def test_slices_leave_no_partition_far_behind(spec, traffic):
    """In a slice, the only part of the traffic whose order is open, nothing becomes late."""
    for events in zip_batches(traffic.all, spec.delay):
        good = (event for event in events if not event.reason and not event.late)
        times = [event.values[spec.of(event).time] for event in good]

        assert not times or max(times) - min(times) < spec.delay


def test_there_is_some_of_everything(spec, traffic):
    """Repeated, late and broken events are all there, where the project can have them."""
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
    """Events can be made for any columns that a project may have."""
    assert isinstance(value(kind, Random(1), NOW), held)  # noqa: S311 - no secret


def _reason(event: Event, spec: EventSpec) -> str | None:
    """Return the reason that the job has to give, without any of its code."""
    try:
        fields = json.loads((event.raw or b"").decode())
    except UnicodeDecodeError:
        return "invalid_utf8"
    except json.JSONDecodeError:
        return "malformed"
    time_of, amount = fields.get(spec.time), fields.get(str(spec.measure))
    numbers = [name for name, kind in spec.columns.items() if is_number(kind)]
    wrong_types = [isinstance(fields.get(name), str) for name in numbers]
    faults = {
        "malformed": any(wrong_types) or isinstance(time_of, dict),
        "missing_time": time_of is None,
        "future_time": isinstance(time_of, int) or _is_ahead(time_of, event.sent),
        "missing_id": spec.id is not None and fields.get(spec.id) is None,
        "missing_key": spec.key is not None and fields.get(spec.key) is None,
        "not_finite": isinstance(amount, float) and not math.isfinite(amount),
    }
    return next((reason for reason, found in faults.items() if found), None)


def _is_ahead(time_of: object, sent: datetime) -> bool:
    return isinstance(time_of, str) and datetime.fromisoformat(time_of) > sent + timedelta(days=1)


# Verdict and report


def test_a_difference_in_one_row_is_found():
    """The verdict is no rubber stamp: a lost row, another number and no row at all all fail."""
    rows = [{"key": "a", "event_count": 1}, {"key": "b", "event_count": 2}]
    other = [rows[0], {"key": "b", "event_count": 3}]

    assert compare_rows(rows, rows[::-1]).holds
    assert not compare_rows(rows, rows[:1]).holds
    assert not compare_rows(rows, [*rows, rows[0]]).holds
    assert not compare_rows(rows, other).holds
    assert not compare_rows([], []).holds


def test_a_difference_in_quarantine_is_found():
    """A lost, a foreign and a duplicate record, and a wrong reason, all fail."""
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
    """What a job without windows has to write: a row for each event that it does not drop."""
    good = [event for event in played.traffic.all if not event.reason and not event.late]
    drops = played.spec.drops_duplicates
    rows = [
        event.values
        for event in good
        if event.table == "source" and not (drops and event.kind == "duplicate")
    ]
    late = sum(event.late for event in played.traffic.all)
    duplicates = len(good) - len(rows) if drops else None
    assigned = len(rows) + late if played.spec.right else None
    return Result(rows, late=late, assigned=assigned, duplicates=duplicates)


def _outcome(played: DemoRun, quarantined=None, **changes) -> Outcome:
    """The outcome of a job that did all right, but for the changes."""
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
    """Nothing but the whole truth is exact: one record read twice or lost, and it is not."""
    summary = _outcome(played).summary

    assert summary["verdict"] == "exact"
    assert summary["input_rows"] == len(played.origins)
    assert (summary["late_rows"] > 0) == played.spec.drops_late
    assert "read every record once? No" in _outcome(played, rows=0).summary["verdict"]
    assert "Quarantine holds each invalid record" in _outcome(played, []).summary["verdict"]


def test_the_report_is_one_harmless_file(played):
    """It loads nothing, shows every reason, and what records contain is text, not markup."""
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
    )

    assert "&lt;script&gt;x" in text
    assert "<script" not in text
    assert "&lt;Name&gt;" in text
    assert "a &amp; b" in text
    assert not re.search(r"""(src|href)=|url\(|@import""", text)
    for reason in {event.reason for event in traffic.all if event.reason}:
        assert f"<code>{reason}</code>" in text
