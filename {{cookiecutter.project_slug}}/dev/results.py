{% set job = cookiecutter | stream_plan %}
"""The types of the result's columns."""

{% if job.custom %}
from {{ cookiecutter.__package }} import schema, visits
{% else %}
from {{ cookiecutter.__package }} import schema
{% endif %}
{% if job.lookup %}
from {{ cookiecutter.__package }}.lookup import LABEL
{% endif %}

KINDS = {
{% if job.windowed %}
    **{name: schema.COLUMNS[name] for name in schema.RESULT_KEY if name in schema.COLUMNS},
    # These are of the result, also if an event has columns of the same names.
    "window_start": "TIMESTAMP",
    "window_end": "TIMESTAMP",
    "event_count": "BIGINT",
    # A total is as exact as its measure.
    **{f"total_{measure}": schema.COLUMNS[measure] for measure in schema.MEASURES},
{% else %}
    **schema.COLUMNS,
{% endif %}
{% if job.custom %}
    visits.START: "TIMESTAMP",
    visits.NUMBER: "BIGINT",
{% if job.visit.mean %}
    visits.MEAN: "DOUBLE",
{% endif %}
{% endif %}
{% if job.lookup %}
    LABEL: "STRING",
{% endif %}
{% if job.right and not job.windowed %}
    **{new: schema.RIGHT.columns[name] for name, new in schema.RIGHT_NAMES.items()},
{% endif %}
}
"""The columns of the result, each with its type."""
