"""The test oracle: the result in plain Python, for the tests, the demo and file runs.

It shares no code with transform.py: change the two together. This file says what one row of the
result is, stream_devkit/oracle/ what Spark does with the events of a stream.
"""

from stream_devkit import oracle

from clickstream_metrics import schema
from clickstream_metrics.settings import Settings


def expected(batches: oracle.Batches, settings: Settings) -> oracle.Result:
    """Return the result if each micro-batch reads one element of `batches`.

    In: events with the columns of schema.py as Python values, times with a time zone.
    """
    stream = oracle.read(batches, schema.EVENT, delay=settings.watermark.delay)
    return oracle.aggregate_windows(
        stream,
        schema.EVENT,
        window_row,
        "append",
        duration=settings.window.duration,
        offset=settings.window.offset,
    )


def window_row(window: oracle.Window) -> oracle.Row:
    """Return the row of the events of a key in a window."""
    row = {
        "window_start": window.start,
        "window_end": window.end,
        schema.KEY: window.key,
        "event_count": len(window.events),
    }
    for measure in schema.MEASURES:
        row[f"total_{measure}"] = sum(event.get(measure) or 0 for event in window.events)
    return row
