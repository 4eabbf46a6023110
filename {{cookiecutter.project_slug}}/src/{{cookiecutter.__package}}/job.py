{% set job = cookiecutter | stream_plan %}
"""The pipeline: `read` -> `result` -> `write`."""

from collections.abc import Sequence
{% if job.trigger == "real_time" %}
from typing import Any
{% endif %}

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.readwriter import DataStreamWriter
from stream_runtime import records
from stream_runtime.job import StreamJob

from . import schema
from .settings import Settings
from .transform import transform
{% if job.keeps_late and job.drops_closed %}
from .window import find_end
{% endif %}


def read(spark: SparkSession, settings: Settings) -> list[DataFrame]:
{% if job.right %}
    """Read every record of each input into an envelope (see stream_runtime/records.py)."""
    return [settings.source.read(spark), settings.right.read(spark)]
{% else %}
    """Read every record of the source into an envelope (see stream_runtime/records.py)."""
    return [settings.source.read(spark)]
{% endif %}


def result(inputs: Sequence[DataFrame], settings: Settings) -> DataFrame:
    """Validate the records, then transform the valid events; invalid records go to quarantine."""
{% if job.right %}
    left, right = inputs
    events = records.select_valid(left, schema.EVENT, settings.events)
    right_events = records.select_valid(right, schema.RIGHT, settings.events)
    return transform(events, right_events, settings)
{% else %}
    (envelopes,) = inputs
{% if job.reports %}
    events = records.select_valid(envelopes, schema.EVENT, settings.events)
{% else %}
    events = records.select_valid(envelopes, schema.EVENT, settings.events, counted=False)
{% endif %}
{% if job.lookup %}
    reference = settings.lookup.read(envelopes.sparkSession)
    return transform(events, reference, settings)
{% else %}
    return transform(events, settings)
{% endif %}
{% endif %}


def write(rows: DataFrame, settings: Settings, checkpoint_id: str) -> DataStreamWriter:
    """Write the result rows to the sink{{ "; the trigger says when a batch starts" if job.reports }}."""
    writer = settings.sink.write(rows, checkpoint_id).outputMode(JOB.output_mode)
{% if job.trigger == "processing_time" %}
    return writer.trigger(processingTime=settings.trigger.interval)
{% elif job.scheduled %}
    return writer.trigger(availableNow=True)
{% elif job.trigger == "continuous" %}
    return writer.trigger(continuous=settings.trigger.interval)
{% else %}
    # PySpark has it, but its type hints leave it out.
    kind: Any = {"realTime": settings.trigger.interval}
    return writer.trigger(**kind)
{% endif %}


JOB = StreamJob(
    name="{{ cookiecutter.project_slug }}",
    guarantee=(
{# The formatter joins what fits into one line. #}
{% for line in (job.guarantee | wordwrap(90 if job.guarantee | length <= 90 else 80)).splitlines() %}
        "{{ line }}{{ " " if not loop.last }}"
{% endfor %}
    ),
    settings=Settings,
{% if job.right %}
    inputs=(schema.EVENT, schema.RIGHT),
{% else %}
    inputs=(schema.EVENT,),
{% endif %}
    result_key=schema.RESULT_KEY,
    output_mode="{{ cookiecutter.output_mode }}",
    write_disposition="{{ job.write_disposition }}",
    trigger="{{ job.trigger }}",
    read=read,
    result=result,
    write=write,
{% if job.keeps_late and job.drops_closed %}
    # An event is late if the watermark has reached this time.
    late_from=lambda time, settings: find_end(time, settings.window),
{% elif job.keeps_late %}
    # An event is late if the watermark has reached its time.
    late_from=lambda time, _: time,
{% endif %}
)
"""What the runtime needs to know of the pipeline (see stream_runtime/job.py)."""
