"""The stream from end to end: an event's way is `read`, `result`, `write`.

The rest is what the runtime asks of every stream (see runtime/job.py).
"""

from collections.abc import Sequence

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.readwriter import DataStreamWriter

from . import schema, sink, source
from .runtime import records
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
SPARK_CONF = source.SPARK_CONF | sink.SPARK_CONF


def read(spark: SparkSession, settings: Settings) -> list[DataFrame]:
    """Every record of the source, in an envelope (see runtime/records.py)."""
    return [source.read(spark, settings.source)]


def result(inputs: Sequence[DataFrame], settings: Settings) -> DataFrame:
    """The rows that the events in the envelopes amount to; bad records go to quarantine."""
    (envelopes,) = inputs
    events = records.good(envelopes, EVENT, settings.events)
    return transform(events, settings)


def write(rows: DataFrame, settings: Settings, epoch: str) -> DataStreamWriter:
    """The rows on their way to the sink, batch by batch."""
    writer = sink.write(rows, settings.sink, epoch).outputMode(OUTPUT_MODE)
    return writer.trigger(processingTime=settings.trigger.interval)


def origin(settings: Settings) -> str:
    """What the source's offsets are of."""
    return source.origin(settings.source)


def owner(spark: SparkSession, settings: Settings) -> str | None:
    """The epoch of the checkpoint whose result the target holds."""
    return sink.owner(spark, settings.sink)


def check(settings: Settings) -> None:
    """Raises SetupError where a server does not answer."""
    source.check(settings.source)
    sink.check(settings.sink)


def prepare(spark: SparkSession, rows: DataFrame, settings: Settings, epoch: str) -> None:
    """Create the target, owned by this checkpoint's epoch, unless it is there."""
    sink.prepare(spark, rows, settings.sink, epoch)
