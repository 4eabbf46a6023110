"""Outcomes of jobs of each kind, from generated events and the test oracle: no Spark runs."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from stream_devkit import oracle
from stream_devkit.events.generate import START, EventSpec, generate
from stream_devkit.job import BatchReport
from stream_devkit.outcome import DemoRun, compare
from stream_devkit.report.page import Step
from stream_runtime.records import EventSchema

COLUMNS = {"id": "STRING", "at": "TIMESTAMP", "kind": "STRING", "amount": "DOUBLE"}
ROLES = {"id": "id", "time": "at", "key": "kind"}
SCHEMA = EventSchema(columns=COLUMNS, **ROLES)
RIGHT = replace(SCHEMA, counts="right")
DELAY = "10 minutes"
WINDOWS = ("window_start", "window_end", "kind")
BATCHES = 6
EVENTS = 3000


def window_row(window):
    """Return the row of a window."""
    return dict(zip(WINDOWS, (window.start, window.end, window.key), strict=True)) | {
        "event_count": len(window.events)
    }


def pair_row(event, right):
    """Return the row of a pair, or of an event without a match."""
    return dict(event) | {"right_id": right and right["id"]}


def read(events):
    """Return all events, with a watermark."""
    return oracle.read(events, SCHEMA, delay=DELAY)


def deduplicate(events):
    """Return the events without duplicates."""
    return oracle.deduplicate(events, SCHEMA, delay=DELAY)


def join(events, right, **options):
    """Return the pairs of two inputs."""
    schemas = (SCHEMA, RIGHT)
    return oracle.join(events, right, schemas, pair_row, within="5 minutes", delay=DELAY, **options)


def order(events):
    """Return the events that are not late, for a job with its own state."""
    ordered = oracle.order(events, SCHEMA, delay=DELAY)
    keyed = [event for events in ordered.keys for event in events]
    done = [event for event in keyed if event["at"] <= ordered.watermark]
    pending = [event for event in keyed if event["at"] > ordered.watermark]
    batch = oracle.Batch(done)
    return oracle.Stream([batch], ordered.late, ordered.duplicates, pending)


def windows(stream, slide=None):
    """Return windows of ten minutes."""
    return oracle.aggregate_windows(
        stream, SCHEMA, window_row, "append", duration="10 minutes", slide=slide
    )


def sessions(stream):
    """Return the sessions of a stream."""
    return oracle.aggregate_sessions(stream, SCHEMA, window_row, "append", gap="10 minutes")


def rows(stream, *newest_of):
    """Return a row for each event or pair."""
    return oracle.collect(stream, SCHEMA, newest_of=newest_of)


@dataclass(frozen=True)
class Kind:
    """A kind of job: its result, and the changes of its event spec."""

    result: object
    changes: dict = field(default_factory=dict)
    steps: Sequence[Step] = ()
    has_right: bool = False
    is_followed: bool = True
    """Whether the job reports its watermark."""
    lost: int = 0
    """The number of rows that the job does not write."""


WINDOW = Step("Windows", "of ten minutes")
OVERLAPPING = Step("Windows", "of ten minutes", derives=True)
JOIN = Step("Join", "by key", derives=True)
ONCE = Step("Deduplicate", "by id")
STATE = Step("Custom", "state for each key")
DROPPED = {"drops_duplicates": True}
KEPT = {"drops_late": False}
BY_WINDOW = {"result_key": WINDOWS, "step": timedelta(minutes=10)}
SLIDING = {"result_key": WINDOWS, "step": timedelta(minutes=5)}
SESSION = BY_WINDOW | {"pauses": True}
KINDS = {
    "tumbling": Kind(lambda events: windows(read(events)), BY_WINDOW, [WINDOW]),
    "sliding": Kind(lambda events: windows(read(events), "5 minutes"), SLIDING, [OVERLAPPING]),
    "session": Kind(lambda events: sessions(read(events)), SESSION, [WINDOW]),
    "none": Kind(lambda events: rows(oracle.read(events, SCHEMA)), KEPT, is_followed=False),
    "newest": Kind(lambda events: rows(oracle.read(events, SCHEMA), "id"), KEPT),
    "inner join": Kind(lambda *both: rows(join(*both)), {}, [JOIN], has_right=True),
    "left join": Kind(lambda *both: rows(join(*both, is_left=True)), {}, [JOIN], has_right=True),
    "newest pairs": Kind(lambda *both: rows(join(*both), "id"), {}, [JOIN], has_right=True),
    "windows of pairs": Kind(
        lambda *both: windows(join(*both), "5 minutes"),
        SLIDING,
        [JOIN, OVERLAPPING],
        has_right=True,
    ),
    "deduplicated": Kind(lambda events: rows(deduplicate(events)), DROPPED, [ONCE]),
    "deduplicated sliding": Kind(
        lambda events: windows(deduplicate(events), "5 minutes"),
        DROPPED | SLIDING,
        [ONCE, OVERLAPPING],
    ),
    "custom": Kind(lambda events: rows(order(events)), DROPPED | {"pauses": True}, [STATE]),
}


def play(kind):
    """Return a run of a job that makes no other error, and its outcome."""
    spec = EventSpec(COLUMNS, **ROLES, **({"result_key": ("id",)} | kind.changes))
    spec = replace(spec, right=spec) if kind.has_right else spec
    traffic = generate(spec, EVENTS)
    expected = kind.result(*traffic.valid)
    origins = [f"events/0/{number}" for number in range(len(traffic.all))]
    batches = list(report(spec, traffic, is_followed=kind.is_followed))
    batches[-1] = replace(batches[-1], state_rows=len(expected.pending) + expected.retained)
    played = DemoRun(spec, traffic, origins, batches)
    invalid = [
        {"origin": origin, "reason": event.reason}
        for origin, event in zip(origins, traffic.all, strict=True)
        if event.reason
    ]
    outcome = compare(played, expected, expected.rows[kind.lost :], invalid)
    outcome.summary.update(guarantee="exactly once", not_exercised=["a cluster"])
    return played, outcome


def report(spec, traffic, *, is_followed):
    """Yield the reports of the batches that read the events in their order."""
    size = -(-len(traffic.all) // BATCHES)
    watermark = newest = None
    for number, first in enumerate(range(0, len(traffic.all), size)):
        events = traffic.all[first : first + size]
        times = [event.values[spec.of(event).time] for event in events if not event.reason]
        newest = max(times) if is_followed else None
        yield BatchReport(number, START, len(events), 2.5, newest, watermark, 0)
        watermark = newest and max(newest - spec.delay, watermark or newest - spec.delay)
