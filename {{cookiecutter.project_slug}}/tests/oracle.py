{% set job = cookiecutter | stream_plan %}
{% if job.custom %}
{% include "state/custom/oracle.py" %}
{% else %}
{% set window, mode = cookiecutter.window, cookiecutter.output_mode %}
"""The test oracle: the result in plain Python, for the tests, the demo and file runs.

It shares no code with transform.py: change the two together. This file says what one row of the
result is, stream_devkit/oracle/ what Spark does with the events of a stream.
"""

from stream_devkit import oracle

from {{ cookiecutter.__package }} import schema
{% if job.lookup %}
from {{ cookiecutter.__package }}.lookup import LABEL
{% endif %}
from {{ cookiecutter.__package }}.settings import Settings


{% if job.right %}
def expected(events: oracle.Batches, right: oracle.Batches, settings: Settings) -> oracle.Result:
    """Return the result if each micro-batch reads one element of `events` and one of `right`.
{% else %}
def expected(batches: oracle.Batches, settings: Settings) -> oracle.Result:
    """Return the result if each micro-batch reads one element of `batches`.
{% endif %}

    In: events with the columns of schema.py as Python values, times with a time zone.
    """
{% if job.right %}
    stream = oracle.join(
        events,
        right,
        (schema.EVENT, schema.RIGHT),
        join_row,
        within=settings.join.within,
        delay=settings.watermark.delay,
{% if cookiecutter.join == "stream_left" %}
        is_left=True,
{% endif %}
    )
{% elif job.deduplicates %}
    stream = oracle.deduplicate(batches, schema.EVENT, delay=settings.watermark.delay)
{% elif window == "session" or (job.windowed and mode != "complete") %}
    stream = oracle.read(batches, schema.EVENT, delay=settings.watermark.delay)
{% else %}
    stream = oracle.read(batches, schema.EVENT)
{% endif %}
    {{ "found =" if job.lookup else "return" }} oracle.{{ "collect" if not job.windowed else "aggregate_sessions" if window == "session" else "aggregate_windows" }}(
        stream,
        schema.EVENT,
{% if job.windowed %}
        window_row,
        "{{ mode }}",
{% elif not job.right %}
        event_row,
{% endif %}
{% if window == "session" %}
        gap=settings.window.gap,
{% elif job.windowed %}
        duration=settings.window.duration,
{% elif job.write_disposition == "merge" %}
        newest_of=schema.RESULT_KEY,
{% endif %}
{% if window == "sliding" %}
        slide=settings.window.slide,
{% endif %}
{% if window in ("sliding", "tumbling") %}
        offset=settings.window.offset,
{% endif %}
    )
{% if job.lookup %}
    return oracle.look_up(found, settings.lookup, schema.KEY, LABEL)
{% endif %}
{% if job.right %}


def join_row(event: oracle.Event, right_event: oracle.Event | None) -> oracle.Row:
    """Return the row of an event and a matching event of the other input, None if there is none."""
    row = {name: event.get(name) for name in schema.COLUMNS}
    found = right_event or {}
    return row | {new: found.get(name) for name, new in schema.RIGHT_NAMES.items()}
{% elif not job.windowed %}


def event_row(event: oracle.Event) -> oracle.Row:
    """Return the row of an event."""
    return {name: event.get(name) for name in schema.COLUMNS}
{% endif %}
{% if job.windowed %}


def window_row(window: oracle.Window) -> oracle.Row:
    """Return the row of the events {{ "of a key " if job.key_columns }}in a {{ "session" if window == "session" else "window" }}."""
    row = {
        "window_start": window.start,
        "window_end": window.end,
{% if job.several_keys %}
        **dict(zip(schema.KEYS, window.key, strict=True)),
{% elif job.key_columns %}
        schema.KEY: window.key,
{% endif %}
        "event_count": len(window.events),
    }
    for measure in schema.MEASURES:
        row[f"total_{measure}"] = sum(event.get(measure) or 0 for event in window.events)
    return row
{% endif %}
{% endif %}
