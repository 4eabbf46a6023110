"""The options of the connection to Kafka; a secret cannot inject other options."""

import pytest
from pydantic import SecretStr
from sample import load
from stream_runtime.errors import ConfigError
from stream_runtime.kafka import Kafka

AWKWARD = 's3cr"et\\'
SECURE = ["source.security=SASL_SSL", "source.username=job"]


def secure(**changed):
    """Return the settings of a cluster that requires a password."""
    given = {"security": "SASL_SSL", "username": "job", "password": AWKWARD, **changed}
    return Kafka(bootstrap_servers="127.0.0.1:1", **given)


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
@pytest.mark.parametrize("password", ["plain", AWKWARD, 'x"; com.evil.Module required y="'])
def test_kafka_parses_the_unchanged_password(spark, mechanism, password):
    """Kafka's own parser reads one login module of the fixed list and the unchanged password."""
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
    """A password with a control character is refused, because it could start a new line."""
    with pytest.raises(ConfigError, match="The Kafka password has a control character") as caught:
        secure(password=f"hidden\n{AWKWARD}").options()

    assert "hidden" not in str(caught.value)


def test_databricks_has_renamed_the_login_modules():
    """Kafka's classes have a prefix on Databricks only."""
    plain, shaded = secure().options(), secure(shaded=True).options()

    assert plain["kafka.sasl.jaas.config"].startswith("org.apache.kafka.")
    assert shaded["kafka.sasl.jaas.config"].startswith("kafkashaded.org.apache.kafka.")


def test_a_password_comes_from_the_environment_or_a_file(monkeypatch, tmp_path):
    """A password is read from the environment or a file, and never printed."""
    monkeypatch.setenv("STREAM__SOURCE__PASSWORD", AWKWARD)
    from_environment = load(*SECURE)
    monkeypatch.delenv("STREAM__SOURCE__PASSWORD")
    (tmp_path / "password").write_text(f"{AWKWARD}\n", "utf-8")
    from_file = load(*SECURE, f"source.password=file:{tmp_path}/password")

    assert from_environment.source.password == SecretStr(AWKWARD)
    assert from_file.source == from_environment.source
    assert "s3cr" not in repr(from_file)


def test_a_password_on_the_command_line_is_refused():
    """A password on the command line is refused; the message does not show it."""
    with pytest.raises(ConfigError, match=r"source\.password is a secret") as caught:
        load(*SECURE, f"source.password={AWKWARD}")

    assert "s3cr" not in str(caught.value)


def test_a_login_needs_a_user_and_a_password():
    """A login without user or password is refused at the start, not by the first batch."""
    with pytest.raises(ConfigError, match="source: security SASL_SSL needs a username"):
        load("source.security=SASL_SSL")


def test_settings_of_the_client_reach_kafka():
    """`client` has any setting of Kafka's client, under Kafka's own name."""
    kafka = Kafka(bootstrap_servers="127.0.0.1:1", client={"fetch.max.wait.ms": 5})

    assert kafka.options()["kafka.fetch.max.wait.ms"] == "5"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("sasl.jaas.config", "the job sets"),
        ("group.id", "the job sets"),
        ("ssl.key.password", "is a secret"),
    ],
)
def test_a_setting_of_the_client_that_the_job_sets_is_refused(name, reason):
    """The job sets its connection and its offsets; conf/ stores no secrets."""
    with pytest.raises(ValueError, match=reason):
        Kafka(bootstrap_servers="127.0.0.1:1", client={name: "x"})
