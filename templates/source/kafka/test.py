{% set job = cookiecutter | stream_plan %}
"""The Kafka source: envelopes, offsets, topics, and errors."""

import json
import uuid
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta

import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from stream_devkit.events.generate import Event
from stream_runtime.errors import CheckpointError, SetupError

from {{ cookiecutter.__package }} import source

from dev.producer import EventProducer

SENT = datetime(2026, 1, 10, tzinfo=UTC)


@pytest.fixture(name="producer")
def _producer(servers, tmp_path):
    """Return a producer for a new topic."""
    return EventProducer(servers, tmp_path, f"source-{uuid.uuid4().hex}")


@pytest.fixture(name="run")
def _run(spark, make_settings, producer, tmp_path):
    """Return a function that reads the next batches, and returns the envelopes of each."""

    def run(*overrides):
        taken = []
        own = [f"{key}={value}" for key, value in producer.settings.items()]
        envelopes = make_settings(*own, *overrides).source.read(spark)
        writer = envelopes.writeStream.foreachBatch(lambda rows, _: taken.append(rows.collect()))
        writer = writer.option("checkpointLocation", f"{tmp_path}/messages")
        writer.trigger(availableNow=True).start().awaitTermination()
        return taken

    return run


def send(producer, *texts):
    """Send messages, one second apart."""
    producer.send(
        [Event(text, b"key", SENT + timedelta(seconds=at), "") for at, text in enumerate(texts)]
    )


def test_a_message_has_an_envelope(run, producer):
    """An envelope has the bytes, the key, the broker's time, and the source reference."""
    send(producer, b"caf\xe9", None)

    (rows,) = run()

    assert {(row.raw and bytes(row.raw), row.origin) for row in rows} == {
        (b"caf\xe9", producer.origins[0]),
        (None, producer.origins[1]),
    }
    assert {bytes(row.key) for row in rows} == {b"key"}
    assert min(row.ingest_time for row in rows).astimezone(UTC) == SENT


{% if job.low_latency %}
def test_a_restart_continues_at_the_last_offset(run, producer):
    """A restart reads no message twice."""
    send(producer, *([b"1"] * 6))
    first = [len(rows) for rows in run()]
    send(producer, b"2")

    assert first == [6]
{% else %}
def test_a_restart_continues_at_the_last_offset(run, producer):
    """A restart reads no message twice; a batch has at most the configured number."""
    send(producer, *([b"1"] * 6))
    first = [len(rows) for rows in run("source.max_offsets_per_trigger=2")]
    send(producer, b"2")

    assert first == [2, 2, 2]
{% endif %}
    assert [bytes(row.raw) for rows in run() for row in rows] == [b"2"]


def test_an_unreachable_broker_is_refused(settings):
    """A broker that does not answer is refused before the start, with a fix."""
    away = settings.source.model_copy(update={"bootstrap_servers": "127.0.0.1:1"})

    with pytest.raises(SetupError, match=r"No Kafka broker answers \(127.0.0.1:1"):
        away.check()


@pytest.fixture(name="topics")
def _topics(servers):
    """Create two topics, and return the common part of their names.

    Each has an early message, one of an aborted transaction, and a late message.
    """
    name = uuid.uuid4().hex
    producer = Producer(
        {"bootstrap.servers": servers.broker.bootstrap_servers, "transactional.id": f"test-{name}"}
    )
    producer.init_transactions()
    for topic in (f"a-{name}", f"b-{name}"):
        servers.broker.create_topic(topic, 1)
        for number, word in enumerate(("early", "revoked", "late")):
            producer.begin_transaction()
            producer.produce(topic, word, timestamp=round(_hour(number).timestamp() * 1000))
            if word == "revoked":
                producer.flush()
                producer.abort_transaction()
            else:
                producer.commit_transaction()
    return name


def _hour(number):
    return datetime(2026, 1, 1, number, tzinfo=UTC)


def streamed(spark, kafka):
    """Return what a first start reads: the source reference and the text of each message."""
    rows = {}

    def take(batch, _):
        rows.update((row.origin, bytes(row.raw).decode()) for row in batch.collect())

    writer = kafka.read(spark).writeStream.foreachBatch(take)
    writer.trigger(availableNow=True).start().awaitTermination()
    return rows


def test_all_topics_of_a_pattern_are_read(spark, servers, topics):
    """All topics of the pattern are read, without messages of aborted transactions."""
    kafka = source.Source(
        bootstrap_servers=servers.broker.bootstrap_servers, topic_pattern=f"[ab]-{topics}"
    )

    rows = streamed(spark, kafka)

    assert sorted(rows.values()) == ["early", "early", "late", "late"]
    assert {place.rpartition("/")[0] for place in rows} == {f"a-{topics}/0", f"b-{topics}/0"}
    assert kafka.source_id() == f"kafka topics like [ab]-{topics}"


def test_several_topics_are_read_from_a_time_on(spark, servers, topics):
    """The first start reads messages from the configured time on."""
    kafka = source.Source(
        bootstrap_servers=servers.broker.bootstrap_servers,
        topic=f"a-{topics},b-{topics}",
        starting_time=_hour(1),
    )

    rows = streamed(spark, kafka)

    assert sorted(rows.values()) == ["late", "late"]


def test_a_missing_topic_is_refused(spark, servers, topics):
    """The start names a topic that does not exist; a pattern may match topics later."""
    address = servers.broker.bootstrap_servers
    missing = source.Source(bootstrap_servers=address, topic=f"a-{topics},c-{topics}")
    pattern = source.Source(bootstrap_servers=address, topic_pattern=f"c-{topics}")

    with pytest.raises(SetupError, match=f"has no topic c-{topics}. Create"):
        missing.check_data(spark)

    pattern.check_data(spark)


@pytest.mark.parametrize(
    ("offset", "problem"),
    [
        ({"a-{}": {"0": 5}}, None),
        ({"a-{}": {"0": 500}}, "up to offset 500, but it ends at offset 6 now"),
        ({"a-{}": {"0": 5, "1": 0}}, "partition 1, up to offset 0, but it ends at offset 0 now"),
        ({"c-{}": {"0": 5}}, "Kafka has no such topic"),
    ],
    ids=["as before", "created again", "fewer partitions", "deleted"],
)
def test_a_topic_without_the_next_messages_is_refused(spark, servers, topics, offset, problem):
    """A checkpoint and a topic that was created again do not belong together."""
    kafka = source.Source(
        bootstrap_servers=servers.broker.bootstrap_servers, topic_pattern=f"[abc]-{topics}"
    )
    position = json.dumps({name.format(topics): ends for name, ends in offset.items()})

    with pytest.raises(CheckpointError, match=problem) if problem else nullcontext():
        kafka.check_offsets(spark, position)


def test_a_topic_has_the_id_of_its_creation(spark, servers, topics):
    """A topic that was created again has another id, by its name or by a pattern."""
    address, topic = servers.broker.bootstrap_servers, f"a-{topics}"
    named = source.Source(bootstrap_servers=address, topic=f"{topic},c-{topics}")
    pattern = source.Source(bootstrap_servers=address, topic_pattern=f"[abc]-{topics}")
    before = named.data_ids(spark)

    assert before.keys() == {topic}
    assert pattern.data_ids(spark).keys() == {topic, f"b-{topics}"}
    assert pattern.data_ids(spark)[topic] == before[topic]

    servers.broker.delete_topic(topic)
    servers.broker.create_topic(topic, 1)

    assert named.data_ids(spark)[topic] != before[topic]


def test_messages_that_kafka_has_deleted_are_counted(spark, servers, topics):
    """The start says how many messages are lost, and which setting continues without them."""
    address, topic = servers.broker.bootstrap_servers, f"a-{topics}"
    admin = AdminClient({"bootstrap.servers": address})
    (deleted,) = admin.delete_records([TopicPartition(topic, 0, 4)]).values()
    deleted.result()
    position = json.dumps({topic: {"0": 1}})

    with pytest.raises(CheckpointError, match=r"deleted 3 messages .* before the job read them"):
        source.Source(bootstrap_servers=address, topic=topic).check_offsets(spark, position)

    unworried = source.Source(bootstrap_servers=address, topic=topic, fail_on_data_loss=False)
    unworried.check_offsets(spark, position)


@pytest.mark.parametrize(
    "both", [{}, {"topic": "a", "topic_pattern": "b"}], ids=["neither", "both"]
)
def test_topics_have_one_setting(both):
    """A topic together with a topic pattern is refused."""
    with pytest.raises(ValueError, match="either topic or topic_pattern"):
        source.Source(bootstrap_servers="127.0.0.1:1", **both)
