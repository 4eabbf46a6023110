"""The report of the demo: one HTML file without links, light or dark like the reader's screen.

What it says is in `report.html.jinja`, and how it looks in `report.css`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from stream_devkit.events.generate import Event
from stream_devkit.outcome import DemoRun, Outcome
from stream_devkit.reconciliation import alternatives
from stream_devkit.verdict import EXACT

from . import charts
from .charts import spoken
from .diagram import Step, draw_stream
from .svg import NARROW, WIDTH

__all__ = ["Step", "Words", "render", "spoken"]

ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
ENVIRONMENT.filters["number"] = "{:,}".format
TEMPLATE = ENVIRONMENT.get_template("report.html.jinja")
LONGEST_EXAMPLE = 240
LATE = "late"
COLOURS = {
    "in the result": "result",
    "in the join": "result",
    "in a window": "result",
    "pending": "pending",
    LATE: "late",
    "of a closed window": "late",
    "duplicate": "duplicate",
    "replaced": "duplicate",
    "invalid": "quarantine",
}
"""The class in the stylesheet of each part of a reconciliation."""
KINDS = {
    "truncated": "the JSON is cut off",
    "not_json": "the text is not JSON",
    "wrong_type": "a value has the wrong type",
    "two_in_one": "one record has two objects",
    "empty": "the record is empty",
    "tombstone": "the record has no value",
    "invalid_utf8": "the bytes are not UTF-8",
    "missing_id": "the id is null or absent",
    "missing_time": "the time is null or absent",
    "missing_key": "the key is null or absent",
    "epoch_millis": "the time is in milliseconds instead of seconds",
    "unset_time": "the time is 1970-01-01: nobody has set it",
    "far_future": "the time is decades ahead",
    "not_finite": "the measure is not a number, or infinite",
    LATE: "the event arrived hours after its event time",
}


@dataclass(frozen=True)
class Words:
    """What only the project can say of its demo."""

    title: str
    source: str
    target: str
    steps: Sequence[Step]
    """What the job does between validation and sink."""
    rows: str
    """What a step of the first chart is, and when it is written."""
    twice: str
    """What the job does with events that are sent twice."""


@dataclass(frozen=True)
class Example:
    """The records of one kind that are not in the result: their number, and one of them."""

    what: str
    records: int
    text: str
    origin: str


def render(
    words: Words,
    played: DemoRun,
    outcome: Outcome,
    *,
    interval: timedelta | None,
    places: Mapping[str, str],
    commands: Mapping[str, str],
    has_batches: bool = True,
) -> str:
    """Return the whole file.

    Args:
        words: what the project says.
        played: what was sent, and what the job reported.
        outcome: what the job wrote, and how it compares with the test oracle.
        interval: the trigger's interval; None for a job that ends when it has read everything.
        places: where the reader finds more: a name and a path for each.
        commands: how the reader continues: a command, and what it does.
        has_batches: whether the duration of a batch says how fast the job is.
    """
    spec = played.spec
    keys = charts.rank_keys(charts.count_events(outcome.rows, spec))
    has_watermark = any(batch.watermark for batch in played.batches)
    return TEMPLATE.render(
        words=words,
        is_exact=outcome.summary["verdict"] == EXACT,
        faults=alternatives(
            ["late"] * spec.drops_late + ["duplicate"] * spec.duplicates + ["invalid"]
        ),
        summary=outcome.summary,
        stream=draw_stream(words.source, words.target, words.steps, played, outcome, COLOURS),
        checks=outcome.checks,
        outcome=outcome,
        splits=outcome.splits,
        colours=COLOURS,
        counted=charts.name_counted(outcome, spec),
        key=" and ".join(spec.keys),
        keys=[(f"s{number % charts.COLOURS}", key) for number, key in enumerate(keys)],
        charts=[(width, charts.draw_events(outcome, played, width)) for width in (WIDTH, NARROW)],
        interval=interval and spoken(interval),
        durations=charts.draw_durations(played, interval) if has_batches else "",
        latencies=charts.draw_latencies(outcome.latencies) if outcome.latencies else "",
        timed=len(outcome.latencies),
        half=charts.speak_quantile(outcome.latencies, 0.5),
        most=charts.speak_quantile(outcome.latencies, 0.99),
        delay=spoken(spec.delay),
        arrivals=charts.draw_arrivals(played) if has_watermark else "",
        reasons=_left_out(played),
        keeps_late=spec.keeps_late,
        places=places,
        commands=commands,
    )


def _left_out(played: DemoRun) -> dict[str, list[Example]]:
    """Return what is not in the result: for each reason its kinds, with the most frequent first."""
    found: dict[tuple[str, str], list[tuple[Event, str]]] = {}
    for event, origin in zip(played.traffic.all, played.origins, strict=True):
        if event.reason or event.late:
            found.setdefault((event.reason or LATE, event.kind), []).append((event, origin))
    reasons = sorted({reason for reason, _ in found}, key=lambda name: (name == LATE, name))
    by_number = sorted(found.items(), key=lambda item: -len(item[1]))
    return {
        name: [_example(kind, events) for (reason, kind), events in by_number if reason == name]
        for name in reasons
    }


def _example(kind: str, events: list[tuple[Event, str]]) -> Example:
    event, origin = events[0]
    return Example(KINDS.get(kind, kind), len(events), _shown(event), origin)


def _shown(event: Event) -> str:
    """Return the bytes of an event as readable text."""
    if not event.raw:
        return "(no value)" if event.raw is None else "(0 bytes)"
    text = event.raw.decode("utf-8", "backslashreplace")
    return text if len(text) <= LONGEST_EXAMPLE else text[:LONGEST_EXAMPLE] + "…"
