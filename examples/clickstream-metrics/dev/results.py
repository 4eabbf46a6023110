"""The types of the result's columns."""

from clickstream_metrics import schema

KINDS = {
    **{name: schema.COLUMNS[name] for name in schema.RESULT_KEY if name in schema.COLUMNS},
    # These are of the result, also if an event has columns of the same names.
    "window_start": "TIMESTAMP",
    "window_end": "TIMESTAMP",
    "event_count": "BIGINT",
    # A total is as exact as its measure.
    **{f"total_{measure}": schema.COLUMNS[measure] for measure in schema.MEASURES},
}
"""The columns of the result, each with its type."""
