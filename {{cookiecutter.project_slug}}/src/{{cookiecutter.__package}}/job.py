{% set job = cookiecutter | stream_plan %}
"""The pipeline: `read` -> `result` -> `write`.

The rest is the interface that the runtime requires of every job (see stream_runtime/job.py).
"""

from collections.abc import Sequence
{% if job.trigger == "real_time" %}
from typing import Any
{% endif %}

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.readwriter import DataStreamWriter
from stream_runtime import records

{% if job.lookup %}
from . import lookup, schema, sink, source
{% else %}
from . import schema, sink, source
{% endif %}
from .settings import Settings
from .transform import transform

NAME = "{{ cookiecutter.project_slug }}"
OUTPUT_MODE = "{{ cookiecutter.output_mode }}"
RESULT_STATE = "{{ job.result_state }}"
GUARANTEE = (
{# The formatter joins what fits into one line. #}
{% for line in (job.guarantee | wordwrap(94 if job.guarantee | length <= 94 else 80)).splitlines() %}
    "{{ line }}{{ " " if not loop.last }}"
{% endfor %}
)
PARTS = {
    "source": "{{ cookiecutter.source }}",
    "sink": "{{ cookiecutter.sink }}",
    "trigger": "{{ job.trigger }}",
}
EVENT = schema.EVENT
{% if job.right %}
INPUTS = (EVENT, schema.RIGHT)
{% else %}
INPUTS = (EVENT,)
{% endif %}
RESULT_KEY = schema.RESULT_KEY
{% if job.reports %}
REPORTS = True
REPLAYABLE = source.REPLAYABLE
{% else %}
REPORTS = False
REPLAYABLE = False
{% endif %}
SETTINGS = Settings


def read(spark: SparkSession, settings: Settings) -> list[DataFrame]:
{% if job.right %}
    """Read every record of each input into an envelope (see stream_runtime/records.py)."""
    return [source.read(spark, settings.source), source.read(spark, settings.right)]
{% else %}
    """Read every record of the source into an envelope (see stream_runtime/records.py)."""
    return [source.read(spark, settings.source)]
{% endif %}


def result(inputs: Sequence[DataFrame], settings: Settings) -> DataFrame:
    """Validate the records, then transform the valid events; invalid records go to quarantine."""
{% if job.right %}
    events, right = (
        records.good(envelopes, form, settings.events)
        for envelopes, form in zip(inputs, INPUTS, strict=True)
    )
    return transform(events, right, settings)
{% else %}
    (envelopes,) = inputs
{% if job.reports %}
    events = records.good(envelopes, EVENT, settings.events)
{% else %}
    events = records.good(envelopes, EVENT, settings.events, counted=False)
{% endif %}
{% if job.lookup %}
    reference = lookup.read(envelopes.sparkSession, settings.lookup)
    return lookup.enrich(transform(events, settings), reference)
{% else %}
    return transform(events, settings)
{% endif %}
{% endif %}


def write(rows: DataFrame, settings: Settings, epoch: str) -> DataStreamWriter:
    """Configure sink, output mode and trigger of the rows."""
    writer = sink.write(rows, settings.sink, epoch).outputMode(OUTPUT_MODE)
{% if job.trigger == "processing_time" %}
    return writer.trigger(processingTime=settings.trigger.interval)
{% elif job.trigger == "available_now" %}
    return writer.trigger(availableNow=True)
{% elif job.trigger == "continuous" %}
    return writer.trigger(continuous=settings.trigger.interval)
{% else %}
    # PySpark has it, but its type hints leave it out.
    kind: Any = {"realTime": settings.trigger.interval}
    return writer.trigger(**kind)
{% endif %}


def spark_conf(settings: Settings) -> dict[str, str]:
    """Return the Spark settings that the session needs."""
    return {
        **source.spark_conf(settings.source),
{% if job.right %}
        **source.spark_conf(settings.right),
{% endif %}
{% if job.lookup %}
        **lookup.spark_conf(settings.lookup),
{% endif %}
        **sink.spark_conf(settings.sink),
    }


def origin(settings: Settings) -> str:
{% if job.right %}
    """Return the source id: the offsets in the checkpoint belong to these inputs."""
    return f"{source.origin(settings.source)}, {source.origin(settings.right)}"
{% else %}
    """Return the source id: the offsets in the checkpoint belong to it."""
    return source.origin(settings.source)
{% endif %}


def owner(spark: SparkSession, settings: Settings) -> str | None:
    """Return the target's checkpoint id, None if there is none."""
    return sink.owner(spark, settings.sink)


def check(settings: Settings) -> None:
    """Raise SetupError if a server does not answer."""
    source.check(settings.source)
{% if job.right %}
    source.check(settings.right)
{% endif %}
    sink.check(settings.sink)


def prepare(spark: SparkSession, rows: DataFrame, settings: Settings, epoch: str) -> None:
{% if job.lookup %}
    """Create the target with this checkpoint id, if it does not exist.

    Raises SetupError if the reference table cannot be used.
    """
    lookup.check(spark, settings.lookup)
{% else %}
    """Create the target with this checkpoint id, if it does not exist."""
{% endif %}
    sink.prepare(spark, rows, settings.sink, epoch)
