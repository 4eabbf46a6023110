{% set job = cookiecutter | stream_plan %}
{% set of_event = "shape.of(event)" if job.right else "shape" %}
"""What the demo stands on: events whose truth is known, a strict verdict, a harmless report."""

import json
import math
import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest

from dev import report
from dev.about import shape_of, words_for
from dev.demo import Settings, compare, expected, load
from dev.events import Event, Shape, Traffic, generate, in_step
from dev.outcome import Outcome, Played, judge
from dev.stream import Batch
from dev.values import is_number, value
from dev.verdict import same_quarantine, same_rows

NOW = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.fixture(name="shape", scope="module")
def _shape() -> Shape:
    return shape_of(load(Settings, "dev"))


@pytest.fixture(name="traffic", scope="module")
def _traffic(shape: Shape) -> Traffic:
    return generate(shape, 1_000_000 // max(50, len(shape.columns)))


# Events


def test_the_same_seed_gives_the_same_events(shape):
    """A demo can be repeated to the byte, and another seed gives other events."""
    assert generate(shape, 500) == generate(shape, 500)
    assert generate(shape, 500) != generate(shape, 500, seed=8)


def test_every_event_is_what_its_label_says(shape, traffic):
    """Judged by plain Python from its bytes alone, each event is as good or bad as labelled."""
    wrong = [event for event in traffic.all if event.reason != _reason(event, {{ of_event }})]

    assert wrong == []


def test_good_events_carry_the_values_that_their_bytes_hold(shape, traffic):
    """The truth from which the expected result is computed is the truth that is sent."""
    for event in (event for event in traffic.all if not event.reason):
        sent = json.loads(event.raw)
{% if job.right %}
        own = shape.of(event)

        assert datetime.fromisoformat(sent[own.time]) == event.values[own.time]
        assert str(sent[own.key]) == str(event.values[own.key]) == event.key.decode()
{% else %}

        assert datetime.fromisoformat(sent[shape.time]) == event.values[shape.time]
        if shape.key:
            assert str(sent[shape.key]) == str(event.values[shape.key]) == event.key.decode()
{% endif %}


def test_only_late_events_fall_below_the_watermark(shape, traffic):
    """Disorder stays within the delay, whatever the batches; late events are late in any case."""
{% if job.right %}
    far = timedelta(days=9999)
    newest = {"source": NOW - far, "right": NOW - far}
    for event in traffic.main:
        if not event.reason:
            time = event.values[shape.of(event).time]
            assert not event.late
            assert time > min(newest.values()) - shape.delay
            newest[event.table] = max(newest[event.table], time)
    long_gone = min(newest.values()) - shape.delay - timedelta(hours=1)
    for event in traffic.tail:
        if not event.reason:
            assert event.late == (event.values[shape.of(event).time] < long_gone)
{% else %}
    newest = NOW - timedelta(days=9999)
    for event in traffic.main:
        if not event.reason:
            assert not event.late
            assert event.values[shape.time] > newest - shape.delay
            newest = max(newest, event.values[shape.time])
    for event in traffic.tail:
        if not event.reason:
            long_gone = newest - shape.delay - timedelta(hours=1)
            assert event.late == (event.values[shape.time] < long_gone)
{% endif %}


def test_slices_leave_no_partition_far_behind(shape, traffic):
    """In a slice, the only part of the traffic whose order is open, nothing becomes late."""
    for events in in_step(traffic.all, shape.delay):
        good = (event for event in events if not event.reason and not event.late)
        times = [event.values[{{ of_event }}.time] for event in good]

        assert not times or max(times) - min(times) < shape.delay


def test_there_is_some_of_everything(shape, traffic):
    """Repeated, late and broken events are all there, where the project can have them."""
    kinds = Counter(event.kind for event in traffic.all)

    assert {"plain", "missing_time", "far_future"} <= set(kinds)
    assert ("repeated" in kinds) == shape.repeats
    assert ("late" in kinds) == shape.drops_late
    assert ("truncated" in kinds) != shape.typed
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


def _reason(event: Event, shape: Shape) -> str | None:
    """Judge a record as the job ought to, with none of its code."""
    try:
        fields = json.loads((event.raw or b"").decode())
    except UnicodeDecodeError:
        return "invalid_utf8"
    except json.JSONDecodeError:
        return "malformed"
    time_of, amount = fields.get(shape.time), fields.get(str(shape.measure))
    numbers = [name for name, kind in shape.columns.items() if is_number(kind)]
    wrong_types = [isinstance(fields.get(name), str) for name in numbers]
    faults = {
        "malformed": any(wrong_types) or isinstance(time_of, dict),
        "missing_time": time_of is None,
        "future_time": isinstance(time_of, int) or _is_ahead(time_of, event.sent),
        "missing_id": shape.id is not None and fields.get(shape.id) is None,
        "missing_key": shape.key is not None and fields.get(shape.key) is None,
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

    assert same_rows(rows, rows[::-1], compare).holds
    assert not same_rows(rows, rows[:1], compare).holds
    assert not same_rows(rows, [*rows, rows[0]], compare).holds
    assert not same_rows(rows, other, compare).holds
    assert not same_rows([], [], compare).holds


def test_a_difference_in_quarantine_is_found():
    """A lost, a foreign, a repeated and a wrongly judged record all fail."""
    wanted = Counter({("t/0/1", "malformed"): 1})
    found = {"origin": "t/0/1", "reason": "malformed"}

    assert same_quarantine(wanted, [found]).holds
    assert not same_quarantine(wanted, []).holds
    assert not same_quarantine(Counter(), [found]).holds
    assert not same_quarantine(wanted, [found, found]).holds
    assert not same_quarantine(wanted, [{**found, "reason": "missing_id"}]).holds


@pytest.fixture(name="played", scope="module")
def _played(shape: Shape) -> Played:
    traffic = generate(shape, 2_000)
    origins = [f"events/0/{number}" for number in range(len(traffic.all))]
    newest = traffic.main[-1].sent
    first = Batch(0, NOW, len(traffic.main), 2.5, newest, None, 7)
    last = replace(first, number=1, rows=len(traffic.tail), watermark=newest)
    return Played(shape, traffic, origins, [first, last])


def _judged(played: Played, quarantined=None, **changes) -> Outcome:
    """The outcome of a job that did all right, but for the changes."""
    wanted = expected({{ "*" if job.right }}played.traffic.good, load(Settings, "dev"))
    kept = [
        {"origin": origin, "reason": event.reason}
        for origin, event in zip(played.origins, played.traffic.all, strict=True)
        if event.reason
    ]
    state_rows = len(wanted.waiting) + wanted.remembered
    last = replace(played.batches[-1], state_rows=state_rows, **changes)
    right = replace(played, batches=[played.batches[0], last])
    return judge(right, wanted, compare, wanted.rows, kept if quarantined is None else quarantined)


def test_the_verdict_is_exact_where_every_record_is_accounted_for(played):
    """Nothing but the whole truth is exact: one record read twice or lost, and it is not."""
    summary = _judged(played).summary

    assert summary["verdict"] == "exact"
    assert summary["input_rows"] == len(played.origins)
    assert (summary["late_rows"] > 0) == played.shape.drops_late
    assert "read every record once? No" in _judged(played, rows=0).summary["verdict"]
    assert "Quarantine holds each broken record" in _judged(played, []).summary["verdict"]


def test_the_report_is_one_harmless_file(played):
    """It loads nothing, shows every reason, and what records contain is text, not markup."""
    hostile = replace(played.traffic.main[0], raw=b"<script>x</script>", reason="a", kind="b")
    traffic = replace(played.traffic, main=[hostile, *played.traffic.main[1:]])
    outcome = _judged(played)
    outcome.summary.update(guarantee="Exactly once", not_exercised=["a cluster"])

    page = report.page(
        replace(words_for(played.shape), title="<Name>"),
        replace(played, traffic=traffic),
        outcome,
        interval=timedelta(seconds=2),
        places={"The result": "a & b"},
    )

    assert "&lt;script&gt;x" in page
    assert "<script" not in page
    assert "&lt;Name&gt;" in page
    assert "a &amp; b" in page
    assert not re.search(r"""(src|href)=|url\(|@import""", page)
    for reason in {event.reason for event in traffic.all if event.reason}:
        assert f"<code>{reason}</code>" in page
