{% set job = cookiecutter | stream_plan %}
{% set newest_by = "RESULT_KEY" if job.windowed else "RESULT_KEY, EVENT_TIME" %}
"""The target of the job on this machine: a Kafka topic, read without Spark."""

import json
import logging
from collections.abc import Iterator
{% if job.low_latency %}
from datetime import UTC, datetime
{% endif %}
from decimal import Decimal
from pathlib import Path
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, Message, TopicPartition
from stream_devkit.results import {{ "from_json" if job.write_disposition == "append" else "from_json, newest" }}
from stream_devkit.servers.local import Place, RunningServers, Servers
from stream_devkit.servers.process import ProcessError
from stream_devkit.verdict import Row

{% if job.write_disposition != "append" %}
from {{ cookiecutter.__package }}.schema import {{ newest_by if job.windowed else "EVENT_TIME, RESULT_KEY" }}
{% endif %}
from {{ cookiecutter.__package }}.settings import Settings

from dev.results import KINDS

SECONDS = 60
"""Timeout of a request to the broker."""


class Target:
    """A Kafka topic, which the job creates."""

    PLACE = "a Kafka topic"

    def __init__(self, servers: Servers, _: Path, name: str) -> None:
        self._servers, self._topic = servers.broker.bootstrap_servers, name
        self.settings = {"sink.bootstrap_servers": self._servers, "sink.topic": name}
        """The settings with which the job writes to this target."""

{% if job.write_disposition == "append" %}
    def rows(self) -> list[Row]:
        """Return the current result: each record once, however often the job wrote it."""
        records = {headers(record)["content"]: record for record in self.records()}
        return [_row(record) for record in records.values()]
{% elif job.write_disposition == "replace" %}
    def rows(self) -> list[Row]:
        """Return the current result: the rows of the last batch, one for each key."""
        records = self.records()
        last = max((headers(record)["as_of"] for record in records), default=None)
        return newest(
            (_row(record) for record in records if headers(record)["as_of"] == last), {{ newest_by }}
        )
{% else %}
    def rows(self) -> list[Row]:
        """Return the current result: the newest row of each key."""
        return newest(map(_row, self.records()), {{ newest_by }})
{% endif %}

{% if job.low_latency %}
    def written(self) -> list[tuple[Row, datetime]]:
        """Return the row of each record, and when it was written."""
        return [
            (_row(record), datetime.fromtimestamp(record.timestamp()[1] / 1000, UTC))
            for record in self.records()
        ]

{% endif %}
    def records(self) -> list[Message]:
        """Return all records of the topic by partition; none before the job creates it."""
        consumer = Consumer(
            {
                "bootstrap.servers": self._servers,
                "group.id": "target",
                "enable.auto.commit": False,
                "allow.auto.create.topics": False,
            },
            logger=logging.Logger("kafka", logging.CRITICAL + 1),
        )
        try:
            partitions = consumer.list_topics(timeout=SECONDS).topics.get(self._topic)
            return [
                record
                for number in (partitions.partitions if partitions else ())
                for record in _read(consumer, TopicPartition(self._topic, number))
            ]
        finally:
            consumer.close()


def place(settings: Settings) -> Place:
    """Return where these settings have the target."""
    return RunningServers(settings.sink.bootstrap_servers), Path(), settings.sink.topic


def _read(consumer: Consumer, partition: TopicPartition) -> Iterator[Message]:
    _, end = consumer.get_watermark_offsets(partition, SECONDS)
    consumer.assign([TopicPartition(partition.topic, partition.partition, OFFSET_BEGINNING)])
    offset = 0
    while offset < end:
        record = consumer.poll(SECONDS)
        if record is None or record.error():
            message = f"the topic {partition.topic} cannot be read: {record and record.error()}"
            raise ProcessError(message)
        offset = (record.offset() or 0) + 1
        yield record


def headers(record: Message) -> dict[str, Any]:
    """Return the headers of a record by their names."""
    return dict(record.headers() or ())


def _row(record: Message) -> Row:
    return from_json(KINDS, json.loads(record.value() or "null", parse_float=Decimal))
