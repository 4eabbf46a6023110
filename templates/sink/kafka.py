{% set job = cookiecutter | stream_plan %}
"""Where the result goes: a Kafka topic of JSON messages."""

from typing import Literal

from pydantic import PositiveInt
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming.readwriter import DataStreamWriter

{% if job.result_key %}
from . import schema
{% endif %}
from .runtime.kafka import Kafka, Topic, ensure_topic
{% if job.result_key %}
from .runtime.names import quote
{% endif %}
from .runtime.records import JSON

SPARK_CONF: dict[str, str] = {}
JOB = __name__.partition(".")[0]
{% if job.result_state == "replaced" %}
AS_OF = "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX"
{% endif %}


class Sink(Kafka):
    """The table `[sink]` in conf/*.toml, beside what runtime/kafka.py says of the cluster."""

    topic: str
    partitions: PositiveInt = 2
    replication_factor: PositiveInt = 1
    cleanup_policy: Literal["delete", "compact"] = "delete"
    """Whether Kafka deletes records by their age, or those of which a newer one has the key."""


def write(rows: DataFrame, sink: Sink, epoch: str) -> DataStreamWriter:
    """Write each row to the topic, at least once.

{% if job.low_latency %}
    1. Tasks send each row as it comes, and Kafka keeps and shows it at once. Died after it: the
       next start begins where the last interval ended, and sends what came since a second time.
    2. When the interval has passed, Spark writes to the checkpoint how far it has read.
    3. Spark marks that as committed in the checkpoint.
{% else %}
    1. Spark writes the batch's offsets to the checkpoint. Died after it: the next start runs
       the same batch over the same offsets.
    2. Tasks send their rows, and Kafka keeps and shows each at once. Died after it: the batch
       runs again, and what was sent is sent a second time.
    3. Spark marks the batch as committed in the checkpoint.
{% endif %}

    A consumer that wants each row once drops a record whose header `content` it has seen with
    the same `job` and `epoch`.
    """
    writer = records(rows, epoch).writeStream.format("kafka").options(**sink.options())
    return writer.option("topic", sink.topic)


def records(rows: DataFrame, epoch: str) -> DataFrame:
    """Rows as Kafka records.

{% if job.result_key %}
    Out: `key` (JSON of the columns that identify a row), `value` (JSON of the whole row, times in
    UTC), `headers`: `content`, a hash of the two in hexadecimal; `job`; the checkpoint's `epoch`{{ ";" if job.result_state == "replaced" else "." }}
{% if job.result_state == "replaced" %}
    `as_of`, the time of the batch: the records with the latest one are the whole result.
{% endif %}
{% else %}
    Out: `key` (null: no column identifies a row), `value` (JSON of the whole row, times in UTC),
    `headers`: `content`, a hash of the value in hexadecimal; `job`; the checkpoint's `epoch`.
{% endif %}
    """
{% if job.result_key %}
    key = F.to_json(F.struct(*map(quote, schema.RESULT_KEY)), JSON)
{% else %}
    key = F.lit(None).cast("string")
{% endif %}
    keyed = rows.select(key.alias("key"), F.to_json(F.struct("*"), JSON).alias("value"))
    headers = {
        "content": F.sha2(F.concat_ws("\n", "key", "value"), 256),
        "job": F.lit(JOB),
        "epoch": F.lit(epoch),
{% if job.result_state == "replaced" %}
        # Spark keeps a batch's time in the checkpoint, and repeats it with the batch.
        "as_of": F.date_format(F.current_timestamp(), AS_OF),
{% endif %}
    }
    pairs = [
        F.struct(F.lit(name).alias("key"), text.cast("binary").alias("value"))
        for name, text in headers.items()
    ]
    return keyed.withColumn("headers", F.array(*pairs))


def owner(spark: SparkSession, sink: Sink) -> str | None:
    """None: a topic keeps no record of what wrote to it."""
    return None


def check(sink: Sink) -> None:
    """Raises SetupError unless one of the brokers accepts a connection."""
    sink.check("sink")


def prepare(spark: SparkSession, rows: DataFrame, sink: Sink, epoch: str) -> None:
    """Make the topic, if it is missing."""
    topic = Topic(sink.topic, sink.partitions, sink.replication_factor, sink.cleanup_policy)
    ensure_topic(spark, sink, topic)
