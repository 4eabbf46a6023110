{% set job = cookiecutter | stream_plan %}
{% set right = job.right %}
{% macro constant(name, columns) %}
{% set listed = columns | map("stream_quoted") | join(", ") ~ ("," if columns | length == 1) %}
{% if (name ~ listed) | stream_width > 95 %}
{{ name }} = (
{% for column in columns %}
    {{ column | stream_quoted }},
{% endfor %}
)
{%- else %}
{{ name }} = ({{ listed }})
{%- endif %}
{% endmacro %}
"""The event schema: columns and roles."""

from stream_runtime.records import EventSchema

COLUMNS = {
{% for name, kind in job.columns.items() %}
    {{ name | stream_quoted }}: {{ kind | stream_quoted }},
{% endfor %}
}
{% if job.paths %}
PATHS = {
{% for name, path in job.paths.items() %}
    {{ name | stream_quoted }}: ({{ path | map("stream_quoted") | join(", ") }}),
{% endfor %}
}
"""The columns that are fields of a STRUCT in a record, each with its path."""
{% endif %}
{% if job.roles.id %}
EVENT_ID = {{ job.roles.id | stream_quoted }}
{% endif %}
EVENT_TIME = {{ job.roles.time | stream_quoted }}
{% if job.roles.key %}
KEY = {{ job.roles.key | stream_quoted }}
{% elif job.key_columns %}
{{ constant("KEYS", job.key_columns) }}
{% endif %}
{% if job.measures %}
{{ constant("MEASURES", job.measures) }}
{% else %}
MEASURES: tuple[str, ...] = ()
{% endif %}
RESULT_KEY: tuple[str, ...] = ({{ job.result_key | join(", ") }}{{ "," if job.result_key | length == 1 }})
"""The columns that identify a row of the result."""

EVENT = EventSchema(
    columns=COLUMNS,
{% if job.roles.id %}
    id=EVENT_ID,
{% endif %}
    time=EVENT_TIME,
{% if job.key_columns %}
    key={{ "KEYS" if job.several_keys else "KEY" }},
{% endif %}
    measures=MEASURES,
{% if job.paths %}
    paths=PATHS,
{% endif %}
)
{% if right %}
RIGHT_KEY = {{ right.key | stream_quoted }}
RIGHT = EventSchema(
    columns={
{% for name, kind in right.columns.items() %}
        {{ name | stream_quoted }}: {{ kind | stream_quoted }},
{% endfor %}
    },
    id="{{ right.id }}",
    time="{{ right.time }}",
    key=RIGHT_KEY,
    measures=("{{ right.measure }}",),
    counts="right",
)
"""The event schema of the second input, which joins on the key."""
RIGHT_NAMES = {name: f"{{ right.prefix }}{name}" for name in RIGHT.columns if name != RIGHT_KEY}
"""The names of its columns in the result, without the shared key."""
{% endif %}
