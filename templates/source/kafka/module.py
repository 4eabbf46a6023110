{% set job = cookiecutter | stream_plan %}
"""The source: Kafka topics of JSON messages."""

from typing import {{ "ClassVar, " if job.right }}Literal, Self

{% if job.low_latency %}
from pydantic import AwareDatetime, model_validator
{% else %}
from pydantic import AwareDatetime, PositiveInt, model_validator
{% endif %}
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from stream_runtime.kafka import Kafka

REPLAYABLE = True


class Source(Kafka):
    """The table `[source]` in conf/*.toml, with the connection of stream_runtime/kafka.py."""

{% if job.right %}
    NAME: ClassVar = "source"
    """The name of the table, for messages."""
{% endif %}
    topic: str | None = None
    """The topic, or several topics separated by commas."""
    topic_pattern: str | None = None
    """A regular expression instead of a topic: all matching topics, including future ones."""
    starting_offsets: Literal["earliest", "latest"] = "earliest"
    """The position of the first start of a checkpoint; later starts continue after the last one."""
    starting_time: AwareDatetime | None = None
    """The position of the first start as a time, instead of `starting_offsets`."""
{% if not job.low_latency %}
    max_offsets_per_trigger: PositiveInt = 100_000
    """The largest number of messages in a batch, so that a backlog is not one endless batch."""
{% endif %}
    fail_on_data_loss: bool = True
    """Whether the job stops if Kafka deleted messages before the job read them."""

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if bool(self.topic) == bool(self.topic_pattern):
            message = "set either topic or topic_pattern, and not both"
            raise ValueError(message)
        return self


def spark_conf(source: Source) -> dict[str, str]:
    """Return the Spark settings that this source needs."""
    return {}


def read(spark: SparkSession, source: Source) -> DataFrame:
    """Return the messages of the topics as envelopes (see stream_runtime/records.py)."""
    stream = spark.readStream.format("kafka").options(**_options(source), **_start(source))
    if source.topic_pattern:
        stream = stream.option("subscribePattern", source.topic_pattern)
    else:
        stream = stream.option("subscribe", source.topic or "")
{% if job.low_latency %}
    return _envelopes(stream.load())
{% else %}
    limited = stream.option("maxOffsetsPerTrigger", source.max_offsets_per_trigger)
    return _envelopes(limited.load())
{% endif %}


def origin(source: Source) -> str:
    """Return the source id: the offsets in the checkpoint belong to it."""
    if source.topic_pattern:
        return f"kafka topics like {source.topic_pattern}"
    return f"kafka topic {source.topic}"


def check(source: Source) -> None:
    """Raise SetupError if no broker accepts a connection."""
    source.check({{ "source.NAME" if job.right else '"source"' }})


def _options(source: Source) -> dict[str, str]:
    return {
        **source.options(),
        # Skip the records of aborted producer transactions.
        "kafka.isolation.level": "read_committed",
        "failOnDataLoss": str(source.fail_on_data_loss),
        "includeHeaders": "true",
    }


def _start(source: Source) -> dict[str, str]:
    if not source.starting_time:
        return {"startingOffsets": source.starting_offsets}
    return {
        "startingTimestamp": str(round(source.starting_time.timestamp() * 1000)),
        # A partition without messages since then starts with the next message.
        "startingOffsetsByTimestampStrategy": "latest",
    }


def _envelopes(messages: DataFrame) -> DataFrame:
    return messages.select(
        F.col("value").alias("raw"),
        "key",
        "headers",
        F.col("timestamp").alias("ingest_time"),
        F.concat_ws("/", "topic", "partition", "offset").alias("origin"),
    )
