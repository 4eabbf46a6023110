{% set job = cookiecutter | stream_plan %}
{% set kinds = job.columns %}
{% set limited = kinds if job.longest_record else job.key_columns %}
{% set long = kinds.items() | selectattr(0, "in", limited) | selectattr(1, "equalto", "STRING") | list %}
"""The topic of the sink: its creation, and its records after a kill."""

import uuid

import pytest
from confluent_kafka.admin import AdminClient, ConfigResource
from stream_devkit.reconciliation import verdict
from stream_runtime.errors import SetupError

{% if long %}
from {{ cookiecutter.__package }}.schema import EVENT

{% endif %}
from dev.target import Target, headers
from tests.events import event, expected_of
from tests.small_stream import CHECKPOINT_ID, SmallStream


@pytest.fixture(name="target")
def _target(servers, tmp_path):
    return Target(servers, tmp_path, f"result-{uuid.uuid4().hex}")


@pytest.fixture(name="stream")
def _stream(spark, make_settings, target, tmp_path):
    """Return a stream of two batches: several rows, and a later event."""
    stream = SmallStream(spark, configured(make_settings, target), tmp_path)
    stream.send(*(event(number / 10, key=number, number=number) for number in range(8)))
    stream.send(event(300, number=8))
    return stream


def configured(make_settings, target, **changed):
    """Return settings with which the job writes to the target."""
    overrides = target.settings | {f"sink.{key}": value for key, value in changed.items()}
    return make_settings(*(f"{key}={value}" for key, value in overrides.items()))


def test_prepare_creates_the_topic(spark, make_settings, target):
    """`prepare` creates the topic with the partitions and the cleanup policy of the settings."""
    settings = configured(make_settings, target, partitions=3, cleanup_policy="compact").sink

    assert not settings.has_target(spark)

    for _ in range(2):
        settings.prepare(spark, spark.range(0), CHECKPOINT_ID)

    assert settings.has_target(spark)

    admin = AdminClient({"bootstrap.servers": settings.bootstrap_servers})
    partitions = admin.list_topics(settings.topic).topics[settings.topic].partitions
    (configuration,) = admin.describe_configs(
        [ConfigResource(ConfigResource.Type.TOPIC, settings.topic)]
    ).values()
    assert len(partitions) == 3
    assert configuration.result()["cleanup.policy"].value == "compact"


def test_a_topic_that_is_created_again_has_another_id(spark, make_settings, servers, target):
    """A start finds that the result so far is gone, although a topic of that name exists."""
    sink = configured(make_settings, target).sink
    assert sink.data_ids(spark) == {}
    ids = []

    for _ in range(2):
        sink.prepare(spark, spark.range(0), CHECKPOINT_ID)
        ids.append(sink.data_ids(spark)[sink.topic])
        servers.broker.delete_topic(sink.topic)

    assert ids[0] != ids[1]


def test_a_topic_that_cannot_be_created_is_refused(spark, make_settings, target):
    """The start is refused if Kafka refuses the topic, or if the platform cannot create one."""
    too_many = configured(make_settings, target, replication_factor=3).sink
    elsewhere = configured(make_settings, target, shaded=True).sink

    with pytest.raises(SetupError, match=r"cannot be made: .*replication factor"):
        too_many.prepare(spark, spark.range(0), CHECKPOINT_ID)
    with pytest.raises(SetupError, match=r"cannot be read: .*Make result-\w+ with 2 partitions"):
        elsewhere.prepare(spark, spark.range(0), CHECKPOINT_ID)

    assert target.records() == []
    configured(make_settings, target).sink.prepare(spark, spark.range(0), CHECKPOINT_ID)
    elsewhere.prepare(spark, spark.range(0), CHECKPOINT_ID)


{% if long %}
def test_a_record_that_kafka_refuses_is_invalid(spark, make_settings, target, tmp_path):
    """An event whose row exceeds the limit of Kafka stops no batch; the longest one is written."""
    settings = configured(make_settings, target)
    stream = SmallStream(spark, settings, tmp_path)
{% if job.longest_record %}
    texts = [name for name, kind in EVENT.columns.items() if kind == "STRING"]
{% if job.paths %}
    # JSON has six letters for each of these characters; a field with a column is there twice.
    places = len(texts) + len(EVENT.paths)
    text = "\x01" * ((settings.events.longest_record - 5000) // (6 * places))
{% else %}
    # JSON has six letters for each of these characters.
    text = "\x01" * ((settings.events.longest_record - 5000) // (6 * len(texts)))
{% endif %}
    stream.send(event(0, number=0) | dict.fromkeys(texts, text), event(1, number=1))
    stream.send(event(2, number=2) | {texts[0]: "x" * 2_000_000})
{% else %}
    keys = [name for name in EVENT.keys if EVENT.columns[name] == "STRING"]
    # JSON has six letters for each of these characters.
    longest = dict.fromkeys(keys, "\x01" * settings.events.longest_key)
    stream.send(event(0, number=0) | longest, event(1, number=1))
    stream.send(event(2, number=2) | {keys[0]: "x" * 2_000_000})
{% endif %}
    stream.send(event(300, number=3))

    stream.run()

    sizes = [len(record.value()) + len(record.key() or b"") for record in target.records()]
    assert 200_000 < max(sizes) < 2**20


{% endif %}
def test_a_kill_loses_no_record_and_duplicates_are_marked(stream, target):
    """A batch that was killed while it sent is sent again; a header identifies duplicates."""
    stream.kill_when(target.records)
    before = len(target.records())

    stream.run()

    records = target.records()
    assert before > 0
    assert {headers(record)["checkpoint_id"] for record in records} == {CHECKPOINT_ID.encode()}
    assert len({headers(record)["content"] for record in records}) < len(records)
    wanted = expected_of(stream.events, stream.settings).rows
    assert verdict(target.rows(), wanted) == "exact"
