"""The types of the result's columns."""

from clickstream_metrics import schema

KINDS = {
    "window_start": "TIMESTAMP",
    "window_end": "TIMESTAMP",
    schema.KEY: schema.COLUMNS[schema.KEY],
    "event_count": "BIGINT",
    # A total is as exact as its measure.
    **{f"total_{measure}": schema.COLUMNS[measure] for measure in schema.MEASURES},
}
"""The columns of the result, each with its type."""
