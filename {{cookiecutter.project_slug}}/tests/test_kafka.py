{% set table = (cookiecutter | stream_plan).kafka_table %}
"""How the job reaches Kafka, and that no secret can do more than log in."""

{% if table == "source" %}
import uuid
from datetime import UTC, datetime

{% endif %}
import pytest
{% if table == "source" %}
from confluent_kafka import Producer
{% endif %}
from pydantic import SecretStr
from stream_runtime.config import load
from stream_runtime.errors import ConfigError
from stream_runtime.kafka import Kafka

from {{ cookiecutter.__package }}.settings import Settings
{% if table == "source" %}
from {{ cookiecutter.__package }}.source import Source, origin, read
{% endif %}

AWKWARD = 's3cr"et\\'
SECURE = ["{{ table }}.security=SASL_SSL", "{{ table }}.username=job"]


def secure(**changed):
    """A cluster that asks for a password."""
    given = {"security": "SASL_SSL", "username": "job", "password": AWKWARD, **changed}
    return Kafka(bootstrap_servers="127.0.0.1:1", **given)


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
@pytest.mark.parametrize("password", ["plain", AWKWARD, 'x"; com.evil.Module required y="'])
def test_kafka_reads_back_what_was_given(spark, mechanism, password):
    """Kafka's own parser finds one login module, of the fixed list, and the very password."""
    options = secure(mechanism=mechanism, password=password).options()
    jvm = spark._jvm  # noqa: SLF001 - Kafka's parser is Java

    text = jvm.org.apache.kafka.common.config.types.Password(options["kafka.sasl.jaas.config"])
    context = jvm.org.apache.kafka.common.security.JaasContext
    entries = context.loadClientContext({"sasl.jaas.config": text}).configurationEntries()

    (entry,) = entries
    assert entry.getOptions()["password"] == password
    assert entry.getOptions()["username"] == "job"
    loader = jvm.java.lang.Thread.currentThread().getContextClassLoader()
    assert loader.loadClass(entry.getLoginModuleName())


def test_control_characters_are_refused_without_being_shown():
    """A password with a line's end could begin a line of its own."""
    with pytest.raises(ConfigError, match="The Kafka password has a control character") as caught:
        secure(password=f"hidden\n{AWKWARD}").options()

    assert "hidden" not in str(caught.value)


def test_databricks_has_renamed_the_login_modules():
    """There, and only there, Kafka's classes have a prefix."""
    plain, shaded = secure().options(), secure(shaded=True).options()

    assert plain["kafka.sasl.jaas.config"].startswith("org.apache.kafka.")
    assert shaded["kafka.sasl.jaas.config"].startswith("kafkashaded.org.apache.kafka.")


def test_a_password_comes_from_the_environment_or_a_file(monkeypatch, tmp_path):
    """Both are read, and neither is ever printed."""
    monkeypatch.setenv("STREAM__{{ table | upper }}__PASSWORD", AWKWARD)
    from_environment = load(Settings, "dev", SECURE)
    monkeypatch.delenv("STREAM__{{ table | upper }}__PASSWORD")
    (tmp_path / "password").write_text(f"{AWKWARD}\n", "utf-8")
    from_file = load(Settings, "dev", [*SECURE, f"{{ table }}.password=file:{tmp_path}/password"])

    assert from_environment.{{ table }}.password == SecretStr(AWKWARD)
    assert from_file.{{ table }} == from_environment.{{ table }}
    assert "s3cr" not in repr(from_file)


def test_a_password_on_the_command_line_is_refused_unseen():
    """Everybody can read it there, as in a file of conf/."""
    with pytest.raises(ConfigError, match=r"{{ table }}\.password is a secret") as caught:
        load(Settings, "dev", [*SECURE, f"{{ table }}.password={AWKWARD}"])

    assert "s3cr" not in str(caught.value)


def test_a_login_needs_a_user_and_a_password():
    """It is not found out by the first batch."""
    with pytest.raises(ConfigError, match="{{ table }}: security SASL_SSL needs a username"):
        load(Settings, "dev", ["{{ table }}.security=SASL_SSL"])
{% if table == "source" %}


@pytest.fixture(name="topics")
def _topics(services):
    """Two topics with an early, a revoked and a late message each; what is common to their names.

    Revoked: written in a transaction that was aborted.
    """
    name = uuid.uuid4().hex
    producer = Producer(
        {"bootstrap.servers": services.broker.bootstrap_servers, "transactional.id": f"test-{name}"}
    )
    producer.init_transactions()
    for topic in (f"a-{name}", f"b-{name}"):
        services.broker.create_topic(topic, 1)
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


def streamed(spark, source):
    """What a first start reads: origin and text of each message."""
    rows = {}

    def take(batch, _):
        rows.update((row.origin, bytes(row.raw).decode()) for row in batch.collect())

    query = read(spark, source).writeStream.foreachBatch(take).trigger(availableNow=True).start()
    query.awaitTermination()
    return rows


def test_all_topics_of_a_pattern_are_read(spark, services, topics):
    """None of them is missed, and what a producer revoked is no event."""
    servers = services.broker.bootstrap_servers
    source = Source(bootstrap_servers=servers, topic_pattern=f"[ab]-{topics}")

    rows = streamed(spark, source)

    assert sorted(rows.values()) == ["early", "early", "late", "late"]
    assert {place.rpartition("/")[0] for place in rows} == {f"a-{topics}/0", f"b-{topics}/0"}
    assert origin(source) == f"kafka topics like [ab]-{topics}"


def test_several_topics_are_read_from_a_time_on(spark, services, topics):
    """The first start begins with the messages that the brokers took then or later."""
    source = Source(
        bootstrap_servers=services.broker.bootstrap_servers,
        topic=f"a-{topics},b-{topics}",
        starting_time=_hour(1),
    )

    rows = streamed(spark, source)

    assert sorted(rows.values()) == ["late", "late"]


@pytest.mark.parametrize(
    "both", [{}, {"topic": "a", "topic_pattern": "b"}], ids=["neither", "both"]
)
def test_topics_are_named_in_one_way(both):
    """Two ways at once would leave open which counts."""
    with pytest.raises(ValueError, match="either topic or topic_pattern"):
        Source(bootstrap_servers="127.0.0.1:1", **both)
{% endif %}
