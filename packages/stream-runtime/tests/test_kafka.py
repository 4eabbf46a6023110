"""The options of the connection to Kafka; a secret cannot inject other options."""

import re

import pytest
from pydantic import SecretStr
from sample import load
from stream_runtime.errors import ConfigError
from stream_runtime.kafka import Kafka

AWKWARD = 's3cr"et\\'
HIDDEN = "aGlkZGVu"
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


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["security=SASL_SSL"], "source: security SASL_SSL with SCRAM-SHA-512 needs username and"),
        (["security=SASL_PLAINTEXT", "username=job"], "SCRAM-SHA-512 needs password: set"),
        (
            ["security=SASL_SSL", "mechanism=OAUTHBEARER", "username=job", "password={password}"],
            "security SASL_SSL with OAUTHBEARER needs token_endpoint: set",
        ),
        (["username=job"], "source.username: security PLAINTEXT does not use it: set security to"),
        (["truststore={ca}"], "source.truststore: security PLAINTEXT does not use it: set secur"),
        (
            ["security=SASL_PLAINTEXT", "username=job", "password={password}", "keystore={job}"],
            "source.keystore: security SASL_PLAINTEXT with SCRAM-SHA-512 does not use it: set",
        ),
        (["security=SSL", "scope=kafka"], "source.scope: security SSL does not use it: set secur"),
        (["security=SSL", "truststore={password}"], "source.truststore: it has no line"),
        (["security=SSL", "keystore={ca}"], "source.keystore: it has no private key: name"),
        (["security=SSL", "keystore={key}"], "source.keystore: it has no certificate: name"),
        (["security=SSL", "keystore={old}"], 'form "RSA PRIVATE KEY": convert it with `openssl'),
        (["security=SSL", "keystore={locked}"], "private key is encrypted: set key_password"),
        (
            ["security=SSL", "keystore={job}", "key_password={password}"],
            "source.keystore: its private key is not encrypted: remove key_password",
        ),
        (["security=SSL", "truststore=/ca.pem"], "source.truststore is a secret; put it into"),
        (["security=SSL", "truststore=file:/no/ca.pem"], "there is no file /no/ca.pem"),
    ],
)
def test_an_incomplete_or_contradicting_login_is_refused(tmp_path, overrides, message):
    """It is refused at the start, not by the first batch; the message shows no secret."""
    certificate, key = pem("CERTIFICATE"), pem("PRIVATE KEY")
    texts = {
        "password": HIDDEN,
        "ca": certificate,
        "key": key,
        "job": key + certificate,
        "old": pem("RSA PRIVATE KEY") + certificate,
        "locked": pem("ENCRYPTED PRIVATE KEY") + certificate,
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text, "utf-8")
    files = {name: f"file:{tmp_path / name}" for name in texts}

    with pytest.raises(ConfigError, match=re.escape(message)) as caught:
        load(*(f"source.{override.format(**files)}" for override in overrides))

    assert HIDDEN not in str(caught.value)


def pem(kind):
    """Return a text in the form of PEM."""
    return f"-----BEGIN {kind}-----\n{HIDDEN}\n-----END {kind}-----\n"


def test_a_secret_of_another_cluster_is_no_contradiction(monkeypatch):
    """The environment of a machine may have a password that this connection does not use."""
    monkeypatch.setenv("STREAM__SOURCE__PASSWORD", AWKWARD)
    monkeypatch.setenv("STREAM__SOURCE__KEY_PASSWORD", AWKWARD)

    assert load().source.options()["kafka.security.protocol"] == "PLAINTEXT"


def test_certificates_are_in_the_options():
    """Executors need no file, because the options have the certificates themselves."""
    certificate, keystore = pem("CERTIFICATE"), pem("ENCRYPTED PRIVATE KEY") + pem("CERTIFICATE")
    given = {"truststore": certificate, "keystore": keystore, "key_password": AWKWARD}
    kafka = Kafka(bootstrap_servers="127.0.0.1:1", security="SSL", **given)

    assert kafka.options() == {
        "kafka.bootstrap.servers": "127.0.0.1:1",
        "kafka.security.protocol": "SSL",
        "kafka.ssl.truststore.type": "PEM",
        "kafka.ssl.truststore.certificates": certificate,
        "kafka.ssl.keystore.type": "PEM",
        "kafka.ssl.keystore.key": keystore,
        "kafka.ssl.keystore.certificate.chain": keystore,
        "kafka.ssl.key.password": AWKWARD,
    }
    assert HIDDEN not in repr(kafka)


def test_a_token_has_a_client_and_a_scope():
    """With OAUTHBEARER the username is the client id, and the password the client secret."""
    token = {"mechanism": "OAUTHBEARER", "token_endpoint": "https://login/token", "shaded": True}
    options = secure(scope="kafka", password=HIDDEN, **token).options()

    login = "kafkashaded.org.apache.kafka.common.security.oauthbearer.OAuthBearerLogin"
    assert options["kafka.sasl.jaas.config"] == (
        f'{login}Module required clientId="job" clientSecret="{HIDDEN}" scope="kafka";'
    )
    handler = options["kafka.sasl.login.callback.handler.class"]
    assert handler == f"{login}CallbackHandler"
    assert options["kafka.sasl.oauthbearer.token.endpoint.url"] == "https://login/token"


def test_settings_of_the_client_reach_kafka():
    """`client` has any setting of Kafka's client, under Kafka's own name."""
    kafka = Kafka(bootstrap_servers="127.0.0.1:1", client={"fetch.max.wait.ms": 5})

    assert kafka.options()["kafka.fetch.max.wait.ms"] == "5"


def test_names_of_the_client_need_no_quotes():
    """TOML and `--set` read the dots of a name as tables; it is the same setting."""
    assert load("source.client.max.poll.records=10").source.client == {"max.poll.records": "10"}
    with pytest.raises(ConfigError, match=r'the job sets "group\.id" itself: remove it'):
        load("source.client.group.id=mine")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("sasl.jaas.config", "the job sets"),
        ("group.id", "the job sets"),
        ("security.protocol", "itself: remove it, and set security"),
        ("ssl.truststore.location", "itself: remove it, and set truststore"),
        ("sasl.login.callback.handler.class", "itself: remove it, and set mechanism"),
        ("schema.registry.password", "is a secret"),
    ],
)
def test_a_setting_of_the_client_that_the_job_sets_is_refused(name, reason):
    """The job sets its connection and its offsets; conf/ stores no secrets."""
    with pytest.raises(ValueError, match=reason):
        Kafka(bootstrap_servers="127.0.0.1:1", client={name: "x"})
