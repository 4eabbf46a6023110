{% set job = cookiecutter | stream_plan %}
"""The source of the job on this machine: a Kafka topic."""

import logging
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path

from confluent_kafka import KafkaError, Message, Producer
from stream_devkit.events.generate import Event, zip_batches
from stream_devkit.servers.local import Place, RunningServers, Servers
from stream_devkit.servers.process import ProcessError

from {{ cookiecutter.__package }}.settings import Settings

PARTITIONS = 2
SECONDS = 60
"""Timeout of sending to the broker."""


class EventProducer:
    """A topic whose partitions take turns; it records the source reference of each event."""

    PLACE = "a Kafka topic"
    TYPED = False
    """Whether the records have typed columns, so that none can be malformed."""

    def __init__(self, servers: Servers, _: Path, name: str) -> None:
        broker = servers.broker
        broker.create_topic(name, PARTITIONS)
        self._producer = Producer(
            {
                "bootstrap.servers": broker.bootstrap_servers,
                "enable.idempotence": True,
                "linger.ms": 1,
            },
            logger=logging.Logger("kafka", logging.CRITICAL + 1),
        )
        self._topic = name
        self.settings = {
            "source.bootstrap_servers": broker.bootstrap_servers,
            "source.topic": name,
            "source.starting_offsets": "earliest",
        }
        """The settings with which the job reads this source."""
        self.origins: list[str] = []
        """`topic/partition/offset` of each event, in the order of sending."""

    @staticmethod
    def slices(events: Sequence[Event], delay: timedelta) -> Iterator[list[Event]]:
        """Yield the parts to send, so that no partition is far ahead of another."""
        return zip_batches(events, delay)

    @staticmethod
{% if job.low_latency %}
    def batches_of(_: int) -> dict[str, str]:
        """Return no settings: only the interval limits an epoch."""
        return {}
{% else %}
    def batches_of(rows: int) -> dict[str, str]:
        """Return settings with which a batch has at most `rows` records."""
        return {"source.max_offsets_per_trigger": str(rows)}
{% endif %}

    def send(self, events: Sequence[Event]) -> None:
        """Send the events, and return when the broker has all of them."""
        landed: dict[int, str] = {}
        first = len(self.origins)
        for number, event in enumerate(events, first):
            self._producer.produce(
                self._topic,
                value=event.raw,
                key=event.key,
                partition=number % PARTITIONS,
                timestamp=round(event.sent.timestamp() * 1000),
                on_delivery=_noting(number, landed),
            )
        self._producer.flush(SECONDS)
        if len(landed) < len(events):
            message = f"the broker took {len(landed)} of {len(events)} events"
            raise ProcessError(message)
        self.origins += [landed[number] for number in range(first, first + len(events))]


def place(settings: Settings) -> Place:
    """Return where these settings have the source."""
    return RunningServers(settings.source.bootstrap_servers), Path(), str(settings.source.topic)


def _noting(number: int, landed: dict[int, str]) -> Callable[[KafkaError | None, Message], None]:
    def note(error: KafkaError | None, message: Message) -> None:
        if not error:
            landed[number] = f"{message.topic()}/{message.partition()}/{message.offset()}"

    return note
