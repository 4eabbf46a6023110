"""The events of the benchmark, and the result that each program must have."""

import random
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from confluent_kafka import Producer

PARTITIONS = 4
START = datetime(2026, 3, 2, 6, tzinfo=UTC)
SPAN = timedelta(hours=3)
WINDOW = timedelta(minutes=5)
DELAY = timedelta(minutes=10)
SEED = 7
# A number as text, and a record that ends too early: both are invalid.
INVALID = (b'{"event_id": "x", "event_time": "2026-03-02T06:00:00Z", "amount": "12', b"{}")
SEND_SECONDS = 300


@dataclass(frozen=True)
class Load:
    """Events of one topic, from a fixed seed.

    Attributes:
        events: the number of valid events, about 130 bytes each.
        keys: the number of keys; each event has one of them, with equal probability.
        invalid: the numbers of the events after which an invalid record is sent.
    """

    events: int
    keys: int = 100
    invalid: frozenset[int] = frozenset()

    @property
    def records(self):
        """The number of records: the events and the invalid ones."""
        return self.events + len(self.invalid)

    def make(self):
        """Yield each valid event: its time, its key, its amount and its JSON text."""
        rng = random.Random(SEED)  # noqa: S311 - a seed, so that each run is the same
        step = SPAN / self.events
        for number in range(self.events):
            time = START + number * step
            key, cents = f"type-{rng.randrange(self.keys):06}", rng.randrange(1, 10_000)
            text = (
                f'{{"event_id":"e-{number:08}","event_time":"{time:%Y-%m-%dT%H:%M:%S.%fZ}",'
                f'"event_type":"{key}","user_id":{rng.randrange(10**6)},"amount":{cents / 100}}}'
            )
            yield time, key, cents, text.encode()

    def send(self, broker, topic):
        """Send all records; each partition has them in the order of their time."""
        broker.create_topic(topic, PARTITIONS)
        producer = Producer(
            {
                "bootstrap.servers": broker.bootstrap_servers,
                "linger.ms": 50,
                "queue.buffering.max.messages": 200_000,
            }
        )
        for number, (_, _, _, text) in enumerate(self.make()):
            _produce(producer, topic, number % PARTITIONS, text)
            if number in self.invalid:
                _produce(producer, topic, number % PARTITIONS, INVALID[number % len(INVALID)])
        left = producer.flush(SEND_SECONDS)
        assert not left, f"the broker did not take {left} records"

    def expect(self, delay=DELAY):
        """Return the rows of the windows that end at least `delay` before the newest event.

        A row is (start, key), to the count and the sum of the cents.
        """
        rows = defaultdict(lambda: [0, 0])
        newest = START
        for time, key, cents, _ in self.make():
            row = rows[time - (time - START) % WINDOW, key]
            row[0] += 1
            row[1] += cents
            newest = time
        return {at: tuple(row) for at, row in rows.items() if at[0] + WINDOW <= newest - delay}


def _produce(producer, topic, partition, value):
    while True:
        try:
            producer.produce(topic, value, partition=partition)
        except BufferError:
            producer.poll(1)
        else:
            return


def check(load, rows, **given):
    """Require that rows of (start, key, count, total) are those of `load.expect`.

    The order of the summands changes the last digits of a total, so it is compared in cents.
    """
    found = {(start, key): (count, round(total * 100)) for start, key, count, total in rows}
    expected = load.expect(**given)
    wrong = [at for at in found.keys() | expected.keys() if found.get(at) != expected.get(at)]
    assert len(found) == len(rows), "a row is there twice"
    assert not wrong, f"{len(wrong)} of {len(expected)} rows are wrong, first {wrong[0]}"
