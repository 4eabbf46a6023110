"""The demo's report: one HTML file that needs no network, light or dark as its reader's screen."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from html import escape
from pathlib import Path

from stream_devkit.events.generate import Event
from stream_devkit.outcome import DemoRun, Outcome
from stream_devkit.verdict import EXACT, Check

from . import charts

STYLE = Path(__file__).with_name("report.css")
LONGEST_EXAMPLE = 240
KINDS = {
    "truncated": "cut off",
    "not_json": "no JSON at all",
    "wrong_type": "a value of the wrong type",
    "two_in_one": "two objects in one message",
    "empty": "an empty message",
    "tombstone": "a message without a value",
    "invalid_utf8": "bytes that are no UTF-8",
    "missing_id": "the id is null or absent",
    "missing_time": "the time is null or absent",
    "missing_key": "the key is null or absent",
    "epoch_millis": "the time in milliseconds, read as seconds",
    "far_future": "a clock that is decades ahead",
    "not_finite": "not a number, or infinite",
    "late": "it came long after it happened",
}


@dataclass(frozen=True)
class Words:
    """What only the project itself can say of its demo."""

    title: str
    story: str
    """What ran."""
    rows: str
    """What a step of the first chart is, and when it is written."""
    twice: str
    """What becomes of events that were sent twice."""


def page(
    words: Words,
    played: DemoRun,
    outcome: Outcome,
    *,
    interval: timedelta | None,
    places: Mapping[str, str],
) -> str:
    """The whole file.

    Args:
        words: what to call things.
        played: what was sent and what the job said of itself.
        outcome: what it left behind.
        interval: from trigger to trigger, None for a job that runs once.
        places: what is where, for who wants to look further.
    """
    summary = outcome.summary
    exact = summary["verdict"] == EXACT
    badge = "yes" if exact else "no"
    verdict = "exact: equal to an independent computation" if exact else "not exact"
    title = escape(words.title)
    return "\n".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{title}: demo</title>",
            f"<style>{STYLE.read_text('utf-8')}</style></head><body><main>",
            f'<header><h1>{title}</h1><span class="badge {badge}">{verdict}</span></header>',
            f"<p>{escape(words.story)}</p>",
            _tiles(outcome),
            _counted(words, played, outcome),
            _proof(outcome),
            _batches(played, interval),
            _refused(words, played),
            _where(outcome, places),
            "</main></body></html>",
        ]
    )


def _tiles(outcome: Outcome) -> str:
    summary = outcome.summary
    tiles = {
        "events read": summary["input_rows"],
        "rows in the result": summary["output_rows"],
        "events in quarantine": summary["quarantined_rows"],
        "events too late": summary["late_rows"],
        "events that came again": summary["duplicate_rows"],
        "events still open": summary["open_rows"],
        "events a second, with JVM warm-up": summary["rows_per_second"],
    }
    tile = '<div class="tile"><b>{:,}</b><span>{}</span></div>'
    inner = (tile.format(number, name) for name, number in tiles.items() if number)
    return f'<div class="tiles">{"".join(inner)}</div>'


def _counted(words: Words, played: DemoRun, outcome: Outcome) -> str:
    spec = played.spec
    keys = charts.ranked(charts.counts([*outcome.rows, *outcome.waiting], spec))
    return _card(
        f"Events over time, by {spec.key}" if spec.key else "Events over time",
        words.rows,
        _key({f"var(--s{n % charts.COLOURS})": str(key) for n, key in enumerate(keys)}),
        charts.counted(outcome, played),
    )


def _proof(outcome: Outcome) -> str:
    summary = outcome.summary
    text = (
        "The output was read without Spark and compared with what is known of each event since "
        "it was made."
    )
    parts = {
        "counted_rows": ("var(--s0)", "counted"),
        "open_rows": ("var(--s1)", "still open"),
        "late_rows": ("var(--late)", "too late"),
        "duplicate_rows": ("var(--idle)", "gave way to another of their id"),
        "quarantined_rows": ("var(--bad)", "in quarantine"),
    }
    bar = "".join(
        f'<div style="background:{colour};flex:{summary[name]}"></div>'
        for name, (colour, _) in parts.items()
        if summary[name]
    )
    named = {
        colour: f"{summary[name]:,} {words}"
        for name, (colour, words) in parts.items()
        if summary[name]
    }
    checks = "".join(_check(check) for check in outcome.checks)
    share = f'<div class="share">{bar}</div>{_key(named)}'
    title = f"Where {summary['input_rows']:,} events went, and how we know"
    return _card(title, text, share, f'<ul class="checks">{checks}</ul>')


def _check(check: Check) -> str:
    css, mark = ("yes", "✓") if check.holds else ("no", "✗")
    found = f"<span>{escape(check.found)}</span>"
    return f'<li class="{css}"><i>{mark}</i><div>{escape(check.what)}</div>{found}</li>'


def _batches(played: DemoRun, interval: timedelta | None) -> str:
    first = _card(
        "Duration of each batch",
        "A batch that takes longer than the trigger's interval delays the next one. "
        "The first pays for the warm-up of the JVM.",
        _key({"var(--bar)": "with events", "var(--idle)": "without"}),
        charts.durations(played, interval),
    )
    if not any(batch.watermark for batch in played.batches):
        return first
    second = _card(
        "The watermark follows the events",
        f"It stays {spoken(played.spec.delay)} behind the newest event of all earlier batches; "
        "what falls below it comes too late.",
        _key({"var(--s0)": "newest event read", "var(--s1)": "watermark of the batch"}),
        charts.watermark(played),
    )
    return f'<div class="pair">{first}{second}</div>'


def _refused(words: Words, played: DemoRun) -> str:
    """A table of all that was not counted: for each reason its kinds, with an example of each."""
    origins = dict(zip(map(id, played.traffic.all), played.origins, strict=True))
    by_reason: dict[str, dict[str, list[Event]]] = defaultdict(lambda: defaultdict(list))
    for event in played.traffic.all:
        if event.reason or event.late:
            by_reason[event.reason or "late"][event.kind].append(event)
    rows = []
    for reason in sorted(by_reason, key=lambda name: (name == "late", name)):
        kinds = by_reason[reason]
        total = sum(map(len, kinds.values()))
        cell = (
            f'<td class="reason" rowspan="{len(kinds)}"><code>{escape(reason)}</code>'
            f"<p>{total:,} events</p></td>"
        )
        for kind, events in sorted(kinds.items(), key=lambda item: -len(item[1])):
            rows.append(f"<tr>{cell}{_example(kind, events, origins[id(events[0])])}</tr>")
            cell = ""
    head = "<thead><tr><th>Reason<th>Events<th>What is wrong<th>For example</tr></thead>"
    return _card(
        "What was not counted, and why",
        f"Quarantine keeps the bytes of each invalid record. {words.twice}",
        f'<div class="scroll"><table>{head}<tbody>{"".join(rows)}</tbody></table></div>',
    )


def _example(kind: str, events: Sequence[Event], origin: str) -> str:
    return (
        f'<td class="count">{len(events):,}</td>'
        f'<td class="what">{escape(KINDS.get(kind, kind))}</td>'
        f'<td class="sample"><code>{_shown(events[0])}</code><p>{escape(origin)}</p></td>'
    )


def _shown(event: Event) -> str:
    """The bytes of an event, readable and harmless."""
    if not event.raw:
        return "(no value)" if event.raw is None else "(0 bytes)"
    text = event.raw.decode("utf-8", "backslashreplace")
    cut = text if len(text) <= LONGEST_EXAMPLE else text[:LONGEST_EXAMPLE] + "…"
    return escape(cut)


def _where(outcome: Outcome, places: Mapping[str, str]) -> str:
    listed = "".join(
        f"<dt>{escape(what)}</dt><dd><code>{escape(where)}</code></dd>"
        for what, where in places.items()
    )
    summary = outcome.summary
    missing = "; ".join(summary["not_exercised"])
    return _card(
        "Where things are",
        f"Guarantee: {summary['guarantee']}",
        f"<dl>{listed}</dl>",
        f"<footer>Not exercised here: {escape(missing)}.</footer>",
    )


def _card(title: str, text: str, *parts: str) -> str:
    inner = "".join(parts)
    return f'<section class="card"><h2>{escape(title)}</h2><p>{escape(text)}</p>{inner}</section>'


def _key(named: Mapping[str, str]) -> str:
    """A legend: colours with their meaning."""
    entries: Iterable[str] = (
        f'<span style="--dot:{colour}">{escape(name)}</span>' for colour, name in named.items()
    )
    return f'<div class="key">{"".join(entries)}</div>'


def spoken(span: timedelta) -> str:
    """`5 minutes` of a timedelta."""
    units = {"day": 86_400, "hour": 3_600, "minute": 60, "second": 1}
    seconds = int(span.total_seconds())
    name, size = next((name, size) for name, size in units.items() if seconds % size == 0)
    count = seconds // size
    return f"{count} {name}" + ("s" if count != 1 else "")
