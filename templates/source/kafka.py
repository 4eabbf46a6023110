{% set job = cookiecutter | stream_plan %}
"""Where the events come from: Kafka topics of JSON messages."""

from typing import {{ "ClassVar, " if job.right }}Literal, Self

{% if job.low_latency %}
from pydantic import AwareDatetime, model_validator
{% else %}
from pydantic import AwareDatetime, PositiveInt, model_validator
{% endif %}
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from .runtime.kafka import Kafka

SPARK_CONF: dict[str, str] = {}
REPLAYABLE = True


class Source(Kafka):
    """The table `[source]` in conf/*.toml, beside what runtime/kafka.py says of the cluster."""

{% if job.right %}
    NAME: ClassVar = "source"
    """That of the table, for messages."""
{% endif %}
    topic: str | None = None
    """The topic, or several with commas between them."""
    topic_pattern: str | None = None
    """Instead of it, a regular expression: all topics that it matches, future ones included."""
    starting_offsets: Literal["earliest", "latest"] = "earliest"
    """Where the first start of a checkpoint begins; later ones go on where the last ended."""
    starting_time: AwareDatetime | None = None
    """Instead of it, the first start begins with the messages that came at this time or after."""
{% if not job.low_latency %}
    max_offsets_per_trigger: PositiveInt = 100_000
    """Messages a batch takes at most, so that a backlog does not become one endless batch."""
{% endif %}
    fail_on_data_loss: bool = True
    """Whether messages that Kafka deleted before they were read stop the job."""

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if bool(self.topic) == bool(self.topic_pattern):
            message = "set either topic or topic_pattern, and not both"
            raise ValueError(message)
        return self


def read(spark: SparkSession, source: Source) -> DataFrame:
    """The messages of the topics as a stream of envelopes (see runtime/records.py)."""
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
    """What the offsets in a checkpoint are of."""
    if source.topic_pattern:
        return f"kafka topics like {source.topic_pattern}"
    return f"kafka topic {source.topic}"


def check(source: Source) -> None:
    """Raises SetupError unless one of the brokers accepts a connection."""
    source.check({{ "source.NAME" if job.right else '"source"' }})


def _options(source: Source) -> dict[str, str]:
    return {
        **source.options(),
        # What a producer's transaction wrote and took back is no event.
        "kafka.isolation.level": "read_committed",
        "failOnDataLoss": str(source.fail_on_data_loss),
        "includeHeaders": "true",
    }


def _start(source: Source) -> dict[str, str]:
    if not source.starting_time:
        return {"startingOffsets": source.starting_offsets}
    return {
        "startingTimestamp": str(round(source.starting_time.timestamp() * 1000)),
        # A partition without messages since then begins with the next one.
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
