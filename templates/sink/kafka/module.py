{% set job = cookiecutter | stream_plan %}
"""The sink: a Kafka topic of JSON messages."""

from typing import Literal

from pydantic import PositiveInt
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming.readwriter import DataStreamWriter
from stream_runtime.kafka import Kafka, Topic, ensure_topic, has_topic, topic_ids
{% if job.result_key %}
from stream_runtime.names import quote
{% endif %}
from stream_runtime.records import JSON
from stream_runtime.systems import StreamSink
from typing_extensions import override
{% if job.result_key %}

from . import schema
{% endif %}

PACKAGE = __name__.partition(".")[0]
"""The name of this job, for the header `job`."""
{% if job.write_disposition == "replace" %}
AS_OF = "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX"
{% endif %}


class Sink(Kafka, StreamSink):
    """The table `[sink]` in conf/*.toml, with the connection of stream_runtime/kafka.py."""

    KIND = "kafka"
    topic: str
    partitions: PositiveInt = 2
    replication_factor: PositiveInt = 1
    cleanup_policy: Literal["delete", "compact"] = "delete"
    """Whether Kafka deletes records by age, or records with a newer one of the same key."""

    @override
    def write(self, rows: DataFrame, checkpoint_id: str) -> DataStreamWriter:
        """Write each row to the topic, at least once.

{% if job.low_latency %}
        1. Tasks send each row immediately, and Kafka makes it visible. If the process dies here:
           the next start begins where the last interval ended, and sends these rows again.
        2. After the interval, Spark writes its offsets to the checkpoint.
        3. Spark marks the interval as committed in the checkpoint.
{% else %}
        1. Spark writes the batch's offsets to the checkpoint. If the process dies here: the next
           start runs the same batch over the same offsets.
        2. Tasks send their rows, and Kafka makes each visible immediately. If the process dies
           here: the batch runs again, and sends its rows again.
        3. Spark marks the batch as committed in the checkpoint.
{% endif %}

        A consumer that needs each row once drops a record if it has seen the header `content` with
        the same `job` and `checkpoint_id`.
        """
        writer = records(rows, checkpoint_id).writeStream.format("kafka").options(**self.options())
        return writer.option("topic", self.topic)

    @override
    def has_target(self, spark: SparkSession) -> bool:
        """Return whether the topic exists."""
        return has_topic(spark, self, self.topic)

    @override
    def data_ids(self, spark: SparkSession) -> dict[str, str]:
        """Return Kafka's id of the topic: one that was created again has another id."""
        return topic_ids(spark, self, [self.topic])

    @override
    def prepare(self, spark: SparkSession, rows: DataFrame, checkpoint_id: str) -> None:
        """Create the topic, if it does not exist."""
        topic = Topic(self.topic, self.partitions, self.replication_factor, self.cleanup_policy)
        ensure_topic(spark, self, topic)


def records(rows: DataFrame, checkpoint_id: str) -> DataFrame:
    """Return the rows as Kafka records.

{% if job.result_key %}
    Out: `key` (JSON of the columns that identify a row), `value` (JSON of the whole row, times in
    UTC), `headers`: `content`, a hash of the two in hexadecimal; `job`; `checkpoint_id`{{ ";" if job.write_disposition == "replace" else "." }}
{% if job.write_disposition == "replace" %}
    `as_of`, the time of the batch: the records with the latest one are the whole result.
{% endif %}
{% else %}
    Out: `key` (null: no column identifies a row), `value` (JSON of the whole row, times in UTC),
    `headers`: `content`, a hash of the value in hexadecimal; `job`; `checkpoint_id`.
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
        "job": F.lit(PACKAGE),
        "checkpoint_id": F.lit(checkpoint_id),
{% if job.write_disposition == "replace" %}
        # Spark stores the time of a batch in the checkpoint, and a batch replay has the same time.
        "as_of": F.date_format(F.current_timestamp(), AS_OF),
{% endif %}
    }
    pairs = [
        F.struct(F.lit(name).alias("key"), text.cast("binary").alias("value"))
        for name, text in headers.items()
    ]
    return keyed.withColumn("headers", F.array(*pairs))
