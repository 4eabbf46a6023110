"""The broker of demo and tests: it survives a kill, and says what keeps it from starting."""

import pytest
from confluent_kafka import Consumer, Producer

from dev.broker import Broker
from dev.server import ServerError

TOPIC = "events"


def test_a_killed_broker_comes_back_with_its_data(tmp_path):
    """What was acknowledged before a SIGKILL is there after the restart, on the same port."""
    sent = [b"%d" % number for number in range(500)]
    with Broker(tmp_path / "broker") as broker:
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
            "group.id": "test",
            "auto.offset.reset": "earliest",
        }
    )
    consumer.subscribe([TOPIC])
    messages = consumer.consume(count, timeout=30)
    consumer.close()
    return [message.value() for message in messages]


def test_a_broker_whose_port_is_taken_says_so(tmp_path, services):
    """The message names the port, even where another broker answers, and nothing is left."""
    second = Broker(tmp_path, port=services.broker.port)

    with pytest.raises(ServerError, match=f"another program has port {services.broker.port}"):
        second.start()

    assert not second.running
