"""The pipeline: `read` -> `result` -> `write`.

The rest is the interface that the runtime requires of every job (see stream_runtime/job.py).
"""

from collections.abc import Sequence

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.readwriter import DataStreamWriter
from stream_runtime import records

from . import schema, sink, source
from .settings import Settings
from .transform import transform

NAME = "clickstream-metrics"
OUTPUT_MODE = "append"
RESULT_STATE = "appended"
GUARANTEE = (
    "Exactly once into the Delta table: a batch replay after a crash reads the same "
    "offsets, and Delta skips known batch ids."
)
PARTS = {
    "source": "kafka",
    "sink": "delta",
    "trigger": "processing_time",
}
EVENT = schema.EVENT
INPUTS = (EVENT,)
RESULT_KEY = schema.RESULT_KEY
REPORTS = True
REPLAYABLE = source.REPLAYABLE
SETTINGS = Settings


def read(spark: SparkSession, settings: Settings) -> list[DataFrame]:
    """Read every record of the source into an envelope (see stream_runtime/records.py)."""
    return [source.read(spark, settings.source)]


def result(inputs: Sequence[DataFrame], settings: Settings) -> DataFrame:
    """Validate the records, then transform the valid events; invalid records go to quarantine."""
    (envelopes,) = inputs
    events = records.good(envelopes, EVENT, settings.events)
    return transform(events, settings)


def write(rows: DataFrame, settings: Settings, epoch: str) -> DataStreamWriter:
    """Configure sink, output mode and trigger of the rows."""
    writer = sink.write(rows, settings.sink, epoch).outputMode(OUTPUT_MODE)
    return writer.trigger(processingTime=settings.trigger.interval)


def spark_conf(settings: Settings) -> dict[str, str]:
    """Return the Spark settings that the session needs."""
    return {
        **source.spark_conf(settings.source),
        **sink.spark_conf(settings.sink),
    }


def origin(settings: Settings) -> str:
    """Return the source id: the offsets in the checkpoint belong to it."""
    return source.origin(settings.source)


def owner(spark: SparkSession, settings: Settings) -> str | None:
    """Return the target's checkpoint id, None if there is none."""
    return sink.owner(spark, settings.sink)


def check(settings: Settings) -> None:
    """Raise SetupError if a server does not answer."""
    source.check(settings.source)
    sink.check(settings.sink)


def prepare(spark: SparkSession, rows: DataFrame, settings: Settings, epoch: str) -> None:
    """Create the target with this checkpoint id, if it does not exist."""
    sink.prepare(spark, rows, settings.sink, epoch)
