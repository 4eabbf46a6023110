"""The Kafka broker of demo and tests: its restart after a kill, and its errors."""

import uuid

import pytest
from confluent_kafka import Consumer, Producer
from stream_devkit.servers.kafka import Broker
from stream_devkit.servers.server import ServerError

from tests import sparks

TOPIC = "events"


@pytest.mark.spark
def test_a_killed_broker_keeps_its_data(tmp_path):
    """After SIGKILL and a restart the broker has all acknowledged records, on the same port."""
    sent = [b"%d" % number for number in range(500)]
    with Broker(tmp_path / "broker", class_path=sparks.fetch_broker_jars()) as broker:
        broker.create_topic(TOPIC, partitions=2)
        producer = Producer({"bootstrap.servers": broker.bootstrap_servers})
        for value in sent:
            producer.produce(TOPIC, value)
        producer.flush(30)
        port = broker.port

        broker.kill()
        assert not broker.running
        broker.start()

        assert broker.port == port
        assert sorted(_read(broker, len(sent))) == sorted(sent)


def _read(broker, count):
    consumer = Consumer(
        {
            "bootstrap.servers": broker.bootstrap_servers,
            # The broker keeps the offsets of a group.
            "group.id": uuid.uuid4().hex,
            "auto.offset.reset": "earliest",
        }
    )
    consumer.subscribe([TOPIC])
    messages = consumer.consume(count, timeout=30)
    consumer.close()
    return [message.value() for message in messages]


def test_a_taken_port_of_the_broker_is_named(tmp_path, services):
    """If the port is taken, even by a broker, the error names it and no process is left."""
    second = Broker(tmp_path, services.broker.port, sparks.fetch_broker_jars())

    with pytest.raises(ServerError, match=f"another program has port {services.broker.port}"):
        second.start()

    assert not second.running


@pytest.mark.spark
def test_a_broker_by_hand_keeps_its_data(tmp_path):
    """A second program finds the topics of the first one, on another port; --fresh does not."""
    jars = sparks.fetch_broker_jars()
    for keep, before in ((True, []), (True, [b"0"]), (False, [])):
        with Broker(tmp_path / "broker", class_path=jars, keep=keep) as broker:
            for _ in range(2):
                broker.create_topic(TOPIC, partitions=1)
            producer = Producer({"bootstrap.servers": broker.bootstrap_servers})
            producer.produce(TOPIC, b"%d" % len(before))
            producer.flush(30)

            assert _read(broker, len(before) + 1) == [*before, b"%d" % len(before)]


def test_a_second_broker_leaves_the_data_of_the_first(services):
    """A folder with a running broker is refused before anything in it changes."""
    folder = services.broker.log.parent
    files = sorted(folder.rglob("*"))

    with pytest.raises(ServerError, match="a broker runs with the data in"):
        Broker(folder).start()

    assert sorted(folder.rglob("*")) == files
    assert services.broker.running
