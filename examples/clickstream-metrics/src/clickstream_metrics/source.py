"""The source: Kafka topics of JSON messages."""

from typing import Literal, Self

from pydantic import AwareDatetime, PositiveInt, model_validator
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from stream_runtime.kafka import Kafka, require_offsets, require_topics, topic_ids
from stream_runtime.systems import StreamSource
from typing_extensions import override

WITHOUT_WAIT = {
    # After each poll, Spark asks for the next messages. At the end of a partition the broker holds
    # that request, by default for 500 ms: every batch that has read everything would wait for it.
    "kafka.fetch.max.wait.ms": "20",
    # The default, 500 messages a poll, costs time in large batches.
    "kafka.max.poll.records": "10000",
}


class Source(Kafka, StreamSource):
    """The table `[source]` in conf/*.toml, with the connection of stream_runtime/kafka.py."""

    KIND = "kafka"
    topic: str | None = None
    """The topic, or several topics separated by commas."""
    topic_pattern: str | None = None
    """A regular expression instead of a topic: all matching topics, including future ones."""
    starting_offsets: Literal["earliest", "latest"] = "earliest"
    """The position of the first start of a checkpoint; later starts continue after the last one."""
    starting_time: AwareDatetime | None = None
    """The position of the first start as a time, instead of `starting_offsets`."""
    max_offsets_per_trigger: PositiveInt = 100_000
    """The largest number of messages in a batch, so that a backlog is not one endless batch."""
    fail_on_data_loss: bool = True
    """Whether the job stops if Kafka deleted messages before the job read them."""

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if bool(self.topic) == bool(self.topic_pattern):
            message = "set either topic or topic_pattern, and not both"
            raise ValueError(message)
        return self

    @override
    def read(self, spark: SparkSession) -> DataFrame:
        """Return the messages of the topics as envelopes (see stream_runtime/records.py)."""
        stream = spark.readStream.format("kafka").options(**self._options(), **self._start())
        if self.topic_pattern:
            stream = stream.option("subscribePattern", self.topic_pattern)
        else:
            stream = stream.option("subscribe", self.topic or "")
        limited = stream.option("maxOffsetsPerTrigger", self.max_offsets_per_trigger)
        return _envelopes(limited.load())

    @override
    def source_id(self) -> str:
        """Return the source id: the offsets in the checkpoint belong to it."""
        if self.topic_pattern:
            return f"kafka topics like {self.topic_pattern}"
        return f"kafka topic {self.topic}"

    @override
    def check_data(self, spark: SparkSession) -> None:
        """Raise SetupError if a topic does not exist; a pattern may match none."""
        if self.topic:
            require_topics(spark, self, self.topic.split(","))

    @property
    @override
    def requires_all_data(self) -> bool:
        """Whether the job stops if messages are lost."""
        return self.fail_on_data_loss

    @override
    def data_ids(self, spark: SparkSession) -> dict[str, str]:
        """Return Kafka's ids of the topics: a topic that was created again has another one."""
        return topic_ids(spark, self, (self.topic or "").split(","), self.topic_pattern)

    @override
    def check_offsets(self, spark: SparkSession, offset: str) -> None:
        """Raise CheckpointError if the topics no longer have what follows an offset."""
        if self.fail_on_data_loss:
            require_offsets(spark, self, offset)

    def _options(self) -> dict[str, str]:
        return {
            **WITHOUT_WAIT,
            **self.options(),
            # Skip the records of aborted producer transactions.
            "kafka.isolation.level": "read_committed",
            "failOnDataLoss": str(self.fail_on_data_loss),
            "includeHeaders": "true",
        }

    def _start(self) -> dict[str, str]:
        if not self.starting_time:
            return {"startingOffsets": self.starting_offsets}
        return {
            "startingTimestamp": str(round(self.starting_time.timestamp() * 1000)),
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
