"""The pipeline: `read` -> `result` -> `write`."""

from collections.abc import Sequence

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.readwriter import DataStreamWriter
from stream_runtime import records
from stream_runtime.job import StreamJob

from . import schema
from .settings import Settings
from .transform import transform
from .window import find_end


def read(spark: SparkSession, settings: Settings) -> list[DataFrame]:
    """Read every record of the source into an envelope (see stream_runtime/records.py)."""
    return [settings.source.read(spark)]


def result(inputs: Sequence[DataFrame], settings: Settings) -> DataFrame:
    """Validate the records, then transform the valid events; invalid records go to quarantine."""
    (envelopes,) = inputs
    events = records.select_valid(envelopes, schema.EVENT, settings.events)
    return transform(events, settings)


def write(rows: DataFrame, settings: Settings, checkpoint_id: str) -> DataStreamWriter:
    """Write the result rows to the sink; the trigger says when a batch starts."""
    writer = settings.sink.write(rows, checkpoint_id).outputMode(JOB.output_mode)
    return writer.trigger(processingTime=settings.trigger.interval)


JOB = StreamJob(
    name="clickstream-metrics",
    guarantee=(
        "Exactly once into the Delta table: a batch replay after a crash reads the same "
        "offsets, and Delta skips known batch ids."
    ),
    settings=Settings,
    inputs=(schema.EVENT,),
    result_key=schema.RESULT_KEY,
    output_mode="append",
    write_disposition="append",
    trigger="processing_time",
    read=read,
    result=result,
    write=write,
    # An event is late if the watermark has reached this time.
    late_from=lambda time, settings: find_end(time, settings.window),
)
"""What the runtime needs to know of the pipeline (see stream_runtime/job.py)."""
