{% set job = cookiecutter | stream_plan %}
"""The stream from end to end: an event's way is `read`, `result`, `write`.

The rest is what the runtime asks of every stream (see runtime/job.py).
"""

from collections.abc import Sequence
{% if job.trigger == "real_time" %}
from typing import Any
{% endif %}

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.readwriter import DataStreamWriter

{% if job.lookup %}
from . import lookup, schema, sink, source
{% else %}
from . import schema, sink, source
{% endif %}
from .runtime import records
from .settings import Settings
from .transform import transform

NAME = "{{ cookiecutter.project_slug }}"
OUTPUT_MODE = "{{ cookiecutter.output_mode }}"
RESULT_STATE = "{{ job.result_state }}"
GUARANTEE = (
{% for line in (job.guarantee | wordwrap(80)).splitlines() %}
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
{% if job.lookup %}
SPARK_CONF = source.SPARK_CONF | lookup.SPARK_CONF | sink.SPARK_CONF
{% else %}
SPARK_CONF = source.SPARK_CONF | sink.SPARK_CONF
{% endif %}


def read(spark: SparkSession, settings: Settings) -> list[DataFrame]:
{% if job.right %}
    """Every record of each input, in an envelope (see runtime/records.py)."""
    return [source.read(spark, settings.source), source.read(spark, settings.right)]
{% else %}
    """Every record of the source, in an envelope (see runtime/records.py)."""
    return [source.read(spark, settings.source)]
{% endif %}


def result(inputs: Sequence[DataFrame], settings: Settings) -> DataFrame:
    """The rows that the events in the envelopes amount to; bad records go to quarantine."""
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
    """The rows on their way to the sink, {{ "one by one" if job.low_latency else "batch by batch" }}."""
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


def origin(settings: Settings) -> str:
{% if job.right %}
    """What the offsets of each input are of."""
    return f"{source.origin(settings.source)}, {source.origin(settings.right)}"
{% else %}
    """What the source's offsets are of."""
    return source.origin(settings.source)
{% endif %}


def owner(spark: SparkSession, settings: Settings) -> str | None:
    """The epoch of the checkpoint whose result the target holds."""
    return sink.owner(spark, settings.sink)


def check(settings: Settings) -> None:
    """Raises SetupError where a server does not answer."""
    source.check(settings.source)
{% if job.right %}
    source.check(settings.right)
{% endif %}
    sink.check(settings.sink)


def prepare(spark: SparkSession, rows: DataFrame, settings: Settings, epoch: str) -> None:
{% if job.lookup %}
    """Create the target, owned by this checkpoint's epoch, unless it is there.

    Raises SetupError where the reference table is of no use.
    """
    lookup.check(spark, settings.lookup)
{% else %}
    """Create the target, owned by this checkpoint's epoch, unless it is there."""
{% endif %}
    sink.prepare(spark, rows, settings.sink, epoch)
