"""Where the events come from: a Kafka topic of JSON messages."""

import json
import socket
from typing import Literal

from pydantic import PositiveInt
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from .runtime.config import Table
from .runtime.errors import SetupError

SPARK_CONF: dict[str, str] = {}
EARLIEST = -2
"""The beginning of a partition, as Spark's Kafka source writes it in offsets."""
CONNECT_SECONDS = 5


class Source(Table):
    """The table `[source]` in conf/*.toml."""

    bootstrap_servers: str
    topic: str
    starting_offsets: Literal["earliest", "latest"] = "earliest"
    """Where the first start of a checkpoint begins; later ones go on where the last ended."""
    max_offsets_per_trigger: PositiveInt = 100_000
    """Messages a batch takes at most, so that a backlog does not become one endless batch."""
    fail_on_data_loss: bool = True
    """Whether messages that Kafka deleted before they were read stop the job."""


def read(spark: SparkSession, source: Source) -> DataFrame:
    """The messages of the topic as a stream of envelopes (see runtime/records.py)."""
    stream = spark.readStream.format("kafka").options(**_connection(source))
    messages = (
        stream.option("subscribe", source.topic)
        .option("startingOffsets", source.starting_offsets)
        .option("maxOffsetsPerTrigger", source.max_offsets_per_trigger)
        .load()
    )
    return _envelopes(messages)


def reread(spark: SparkSession, source: Source, start: str | None, end: str) -> DataFrame:
    """The envelopes of the messages between two of Spark's Kafka offsets, as a batch.

    Offsets are JSON: `{"topic": {"0": 42}}`, the next message of each partition. A partition
    that `start` does not name is read from its beginning, as the stream does.
    """
    ends: dict[str, dict[str, int]] = json.loads(end)
    starts: dict[str, dict[str, int]] = json.loads(start or "{}")
    begin = {
        topic: {partition: starts.get(topic, {}).get(partition, EARLIEST) for partition in parts}
        for topic, parts in ends.items()
    }
    partitions = {topic: [int(partition) for partition in parts] for topic, parts in ends.items()}
    batch = spark.read.format("kafka").options(**_connection(source))
    messages = (
        # Named one by one: with `subscribe` a partition added since would have to have offsets.
        batch.option("assign", json.dumps(partitions))
        .option("startingOffsets", json.dumps(begin))
        .option("endingOffsets", json.dumps(ends))
        .load()
    )
    return _envelopes(messages)


def origin(source: Source) -> str:
    """What the offsets in a checkpoint are of."""
    return f"kafka topic {source.topic}"


def check(source: Source) -> None:
    """Raises SetupError unless one of the brokers accepts a connection."""
    causes = []
    for server in source.bootstrap_servers.split(","):
        host, _, port = server.strip().rpartition(":")
        try:
            socket.create_connection((host, int(port)), timeout=CONNECT_SECONDS).close()
        except (OSError, ValueError) as cause:
            causes.append(f"{server}: {cause}")
        else:
            return
    message = (
        f"No Kafka broker answers ({'; '.join(causes)}). Start it, or set "
        "source.bootstrap_servers to where it is."
    )
    raise SetupError(message)


def _connection(source: Source) -> dict[str, str]:
    return {
        "kafka.bootstrap.servers": source.bootstrap_servers,
        "failOnDataLoss": str(source.fail_on_data_loss),
        "includeHeaders": "true",
    }


def _envelopes(messages: DataFrame) -> DataFrame:
    return messages.select(
        F.col("value").alias("raw"),
        "key",
        "headers",
        F.col("timestamp").alias("ingest_time"),
        F.concat_ws("/", "topic", "partition", "offset").alias("origin"),
    )
