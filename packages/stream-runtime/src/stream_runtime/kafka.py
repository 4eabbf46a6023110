"""The Kafka settings that source and sink share, and requests about topics."""

import json
import socket
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, Self

from py4j.protocol import Py4JJavaError
from pydantic import Field, SecretStr, field_validator, model_validator
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession, is_remote
from typing_extensions import override

from .addresses import Servers, join_address, split_servers
from .causes import cause_of
from .certificates import check_keystore, check_truststore
from .config import Secret, SettingError
from .errors import CheckpointError, ConfigError, SetupError
from .manifest import START_OVER
from .systems import System

CONNECT_SECONDS = 5
REQUEST_MS = "15000"
NO_ID = "AAAAAAAAAAAAAAAAAAAAAA"
"""The id of each topic of a broker that has no ids: sixteen bytes of zero, as Kafka writes them."""
UNKNOWN_TOPIC = "UnknownTopicOrPartitionException"
SHADE = "kafkashaded."
LOGIN = "org.apache.kafka.common.security"
OAUTH = "OAUTHBEARER"
# A fixed list, because some Java login modules load code from a URL in their options.
LOGIN_MODULES = {
    "PLAIN": f"{LOGIN}.plain.PlainLoginModule",
    "SCRAM-SHA-256": f"{LOGIN}.scram.ScramLoginModule",
    "SCRAM-SHA-512": f"{LOGIN}.scram.ScramLoginModule",
    OAUTH: f"{LOGIN}.oauthbearer.OAuthBearerLoginModule",
}
TOKEN_CLIENT = f"{LOGIN}.oauthbearer.OAuthBearerLoginCallbackHandler"
"""Kafka's class that gets a token from `token_endpoint`."""
# The job sets these, or Spark refuses them. A name that ends with a dot is a group.
OWNED = {
    "bootstrap.servers": "bootstrap_servers",
    "security.protocol": "security",
    "sasl.mechanism": "mechanism",
    "sasl.oauthbearer.token.endpoint.url": "token_endpoint",
    "sasl.jaas.config": "username and password",
    "sasl.login.class": "mechanism",
    "sasl.login.callback.handler.class": "mechanism",
    "sasl.client.callback.handler.class": "mechanism",
    "ssl.truststore.": "truststore",
    "ssl.keystore.": "keystore",
    "ssl.key.": "key_password",
    "isolation.level": "",
    "group.id": "",
    "auto.offset.reset": "",
    "enable.auto.commit": "",
    "interceptor.classes": "",
    "key.deserializer": "",
    "key.serializer": "",
    "value.deserializer": "",
    "value.serializer": "",
}
"""Kafka's names that `client` cannot have, and the key that sets each."""
TLS_FIX = "set security to SSL or SASL_SSL"
LOGIN_FIX = "set security to SASL_SSL"
OAUTH_FIX = f"{LOGIN_FIX} and mechanism to {OAUTH}"


class Kafka(System):
    """The settings of one Kafka cluster in a table of conf/*.toml."""

    bootstrap_servers: Servers
    security: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    """SSL encrypts the connection; SASL is a login."""
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] = "SCRAM-SHA-512"
    """The SASL mechanism of username and password; ignored without SASL."""
    username: str = ""
    """The user; with OAUTHBEARER the client id."""
    password: Secret = SecretStr("")
    """The user's password; with OAUTHBEARER the client secret."""
    token_endpoint: str = ""
    """The URL where OAUTHBEARER gets a token."""
    scope: str = ""
    """The scope of the token, if the token endpoint requires one."""
    truststore: Secret = SecretStr("")
    """The certificates of the CAs that sign those of the brokers, in PEM; by default Java's."""
    keystore: Secret = SecretStr("")
    """The private key (PKCS #8) and the certificate of the job, in PEM."""
    key_password: Secret = SecretStr("")
    """The password of an encrypted private key."""
    shaded: bool = False
    """Whether Spark's Kafka client has renamed classes, as on Databricks."""
    client: Mapping[str, str | int] = Field(default_factory=dict)
    """Further settings of Kafka's client, as Kafka names them, such as "fetch.max.wait.ms"."""

    @field_validator("client", mode="before")
    @classmethod
    def _joined(cls, client: object) -> object:
        """Return Kafka's names: `max.poll.records = 10` without quotes is a table in a table."""
        return dict(_join_names(client)) if isinstance(client, Mapping) else client

    @field_validator("client")
    @classmethod
    def _is_free(cls, client: Mapping[str, str | int]) -> Mapping[str, str | int]:
        for name in client:
            owned = [key for group, key in OWNED.items() if _is_in(name, group)]
            if owned:
                message = f'the job sets "{name}" itself: remove it'
                raise ValueError(f"{message}, and set {owned[0]}" if owned[0] else message)
            if "password" in name or "secret" in name:
                message = f'"{name}" is a secret, and conf/ stores no secrets: remove it'
                raise ValueError(message)
        return client

    @property
    def _has_login(self) -> bool:
        return self.security.startswith("SASL")

    @property
    def _has_tls(self) -> bool:
        return self.security.endswith("SSL")

    @property
    def _has_token(self) -> bool:
        return self._has_login and self.mechanism == OAUTH

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        """Refuse keys that are missing, or that have no effect.

        A secret may be there without effect: a machine's environment serves several clusters.
        """
        way = f"security {self.security}" + (f" with {self.mechanism}" if self._has_login else "")
        needed = {"username": self._has_login, "password": self._has_login}
        needed["token_endpoint"] = self._has_token
        missing = [key for key, used in needed.items() if used and not getattr(self, key)]
        if missing:
            message = f"{way} needs {' and '.join(missing)}: set what is missing"
            raise ValueError(message)
        for key, used, fix in (
            ("username", self._has_login, LOGIN_FIX),
            ("token_endpoint", self._has_token, OAUTH_FIX),
            ("scope", self._has_token, OAUTH_FIX),
            ("truststore", self._has_tls, TLS_FIX),
            ("keystore", self._has_tls, TLS_FIX),
        ):
            if getattr(self, key) and not used:
                raise SettingError((self.NAME, key), f"{way} does not use it: {fix}, or remove it")
        return self

    @model_validator(mode="after")
    def _has_usable_certificates(self) -> Self:
        truststore, keystore = (pem.get_secret_value() for pem in (self.truststore, self.keystore))
        try:
            key = "truststore"
            if truststore:
                check_truststore(truststore)
            key = "keystore"
            if keystore:
                check_keystore(keystore, has_password=bool(self.key_password))
        except ValueError as error:
            raise SettingError((self.NAME, key), str(error)) from None
        if self.token_endpoint and not self.token_endpoint.startswith(("https://", "http://")):
            message = "it is no URL: write one that starts with https://"
            raise SettingError((self.NAME, "token_endpoint"), message)
        return self

    def options(self) -> dict[str, str]:
        """Return the options with which Spark's Kafka connector connects to the brokers.

        Certificates are part of them, so that only the driver needs their files.

        Raises:
            ConfigError: the username or the password has a control character.
        """
        options = {
            "bootstrap.servers": self.bootstrap_servers,
            "security.protocol": self.security,
            **{name: str(value) for name, value in self.client.items()},
            **(self._login() if self._has_login else {}),
            **(self._certificates() if self._has_tls else {}),
        }
        return {f"kafka.{name}": value for name, value in options.items()}

    def _login(self) -> dict[str, str]:
        prefix = SHADE if self.shaded else ""
        module, secret = prefix + LOGIN_MODULES[self.mechanism], self.password.get_secret_value()
        if not self._has_token:
            line = jaas(module, username=self.username, password=secret)
            return {"sasl.mechanism": self.mechanism, "sasl.jaas.config": line}
        scope = {"scope": self.scope} if self.scope else {}
        return {
            "sasl.mechanism": self.mechanism,
            "sasl.jaas.config": jaas(module, clientId=self.username, clientSecret=secret, **scope),
            "sasl.login.callback.handler.class": prefix + TOKEN_CLIENT,
            "sasl.oauthbearer.token.endpoint.url": self.token_endpoint,
        }

    def _certificates(self) -> dict[str, str]:
        stores: dict[str, SecretStr] = {}
        options = {}
        if self.truststore:
            options["ssl.truststore.type"] = "PEM"
            stores["ssl.truststore.certificates"] = self.truststore
        if self.keystore:
            options["ssl.keystore.type"] = "PEM"
            # Kafka takes its part from each.
            stores["ssl.keystore.key"] = stores["ssl.keystore.certificate.chain"] = self.keystore
            if self.key_password:
                stores["ssl.key.password"] = self.key_password
        return options | {name: secret.get_secret_value() for name, secret in stores.items()}

    @override
    def check(self) -> None:
        """Raise SetupError if no broker accepts a connection."""
        causes = []
        for host, port in split_servers(self.bootstrap_servers):
            try:
                socket.create_connection((host, port), timeout=CONNECT_SECONDS).close()
            except OSError as cause:
                causes.append(f"{join_address(host, port)}: {cause}")
            else:
                return
        message = (
            f"No Kafka broker answers ({'; '.join(causes)}). Start it (`make servers` on your own "
            f"machine), or set {self.NAME}.bootstrap_servers to where it is."
        )
        raise SetupError(message)


@dataclass(frozen=True)
class Topic:
    """The settings with which a missing topic is created."""

    name: str
    partitions: int
    replication_factor: int
    cleanup_policy: str

    def __str__(self) -> str:
        return (
            f"{self.name} with {self.partitions} partitions and "
            f"cleanup.policy={self.cleanup_policy}"
        )


def _join_names(table: Mapping[str, object], above: str = "") -> Iterator[tuple[str, object]]:
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _join_names(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def _is_in(name: str, group: str) -> bool:
    return name == group or (group.endswith(".") and name.startswith(group))


def jaas(module: str, **options: str) -> str:
    """Return a line of Java's login configuration; no other code builds one.

    Raises:
        ConfigError: an option has a control character; the message does not show its value.
    """
    quoted = [f'{name}="{_escaped(name, value)}"' for name, value in options.items()]
    return f"{module} required {' '.join(quoted)};"


def _escaped(name: str, value: str) -> str:
    if any(unicodedata.category(character) == "Cc" for character in value):
        message = f"The Kafka {name} has a control character. Give it without (a line's end, say)."
        raise ConfigError(message)
    return value.replace("\\", "\\\\").replace('"', '\\"')


def ensure_topic(spark: SparkSession, kafka: Kafka, topic: Topic) -> None:
    """Create a missing topic; a client with renamed classes requires that it exists.

    If the broker created the topic, it would have the broker's defaults.

    Raises:
        SetupError: the topic does not exist and cannot be created.
    """
    if kafka.shaded:
        _find_topic(spark, kafka, topic)
        return
    try:
        _make_topic(spark, kafka, topic)
    except Py4JJavaError as error:
        message = f"The Kafka topic cannot be made: {cause_of(error)}. Make {topic}."
        raise SetupError(message) from None


def _find_topic(spark: SparkSession, kafka: Kafka, topic: Topic) -> None:
    records = spark.read.format("kafka").options(**kafka.options())
    try:
        records.option("subscribe", topic.name).load().limit(1).collect()
    except (Py4JJavaError, PySparkException) as error:
        message = (
            f"The Kafka topic cannot be read: {cause_of(error)}. On this platform the job does not "
            f"make it. Make {topic}."
        )
        raise SetupError(message) from None


def _make_topic(spark: SparkSession, kafka: Kafka, topic: Topic) -> None:
    with _admin(spark, kafka) as admin:
        if topic.name in _names(admin):
            return
        wanted = _clients(spark).NewTopic(topic.name, topic.partitions, topic.replication_factor)
        wanted.configs({"cleanup.policy": topic.cleanup_policy})
        admin.createTopics([wanted]).all().get()


def can_ask(kafka: Kafka) -> bool:
    """Return whether this platform offers the admin client of Spark's Kafka connector."""
    return not (kafka.shaded or is_remote())


def has_topic(spark: SparkSession, kafka: Kafka, topic: str) -> bool:
    """Return whether a topic exists; where nobody can ask, it does.

    Raises:
        SetupError: the brokers refuse the job.
    """
    if not can_ask(kafka):
        return True
    with _ask(spark, kafka) as admin:
        return topic in _names(admin)


def require_topics(spark: SparkSession, kafka: Kafka, topics: Sequence[str]) -> None:
    """Require that the topics of a source exist; where nobody can ask, Spark finds out.

    Raises:
        SetupError: the brokers refuse the job, or do not have a topic.
    """
    if not can_ask(kafka):
        return
    with _ask(spark, kafka) as admin:
        missing = set(topics) - _names(admin)
    if missing:
        message = (
            f"Kafka at {kafka.bootstrap_servers} has no topic {', '.join(sorted(missing))}. Create "
            f"it (`make servers` does on your own machine), or set {kafka.NAME}.topic."
        )
        raise SetupError(message)


def topic_ids(
    spark: SparkSession, kafka: Kafka, topics: Sequence[str] = (), pattern: str | None = None
) -> dict[str, str]:
    """Return Kafka's ids of the topics by their names; where nobody can ask, nothing.

    Args:
        spark: a session.
        kafka: the cluster.
        topics: names of topics; a missing one has no id.
        pattern: a regular expression of Java for more names.

    Raises:
        SetupError: the brokers refuse the job.
    """
    if not can_ask(kafka):
        return {}
    jvm: Any = spark._jvm  # noqa: SLF001 - the only way to it
    matches = jvm.java.util.regex.Pattern.matches
    with _ask(spark, kafka) as admin:
        names = _names(admin)
        wanted = {name for name in names if pattern and matches(pattern, name)}
        wanted |= names & set(topics)
        described = admin.describeTopics(sorted(wanted)).topicNameValues()
        ids = {name: _id_of(found) for name, found in described.items()}
    return {name: text for name, text in ids.items() if text != NO_ID}


def _id_of(described: Any) -> str:
    """Return the id of a topic from the answer of a broker, which may not know a new topic yet."""
    try:
        return str(described.get().topicId().toString())
    except Py4JJavaError as error:
        if UNKNOWN_TOPIC in str(error.java_exception.toString()):
            return NO_ID
        raise


def require_offsets(spark: SparkSession, kafka: Kafka, offset: str) -> None:
    """Require that the topics still have all messages after an offset.

    Args:
        spark: a session.
        kafka: the cluster.
        offset: `{"topic": {"partition": next offset}}`, as in Spark's checkpoint.

    Raises:
        CheckpointError: a topic or a partition is gone, ends before its offset, or begins after it.
        SetupError: the brokers refuse the job.
    """
    if not can_ask(kafka):
        return
    with _ask(spark, kafka) as admin:
        names = _names(admin)
        for topic, positions in json.loads(offset).items():
            if topic not in names:
                raise _gone(f"topic {topic}", "Kafka has no such topic")
            bounds = _bounds(spark, admin, topic)
            for partition, position in positions.items():
                place = f"topic {topic}, partition {partition}, up to offset {position}"
                begin, end = bounds.get(int(partition), (0, -1))
                if end < position:
                    raise _gone(place, f"it ends at offset {max(end, 0)} now")
                if begin > position:
                    message = (
                        f"Kafka has deleted {begin - position:,} messages of topic {topic}, "
                        f"partition {partition}, from offset {position}, before the job read "
                        f"them. To continue without them, set {kafka.NAME}.fail_on_data_loss="
                        f"false for one start. {START_OVER}"
                    )
                    raise CheckpointError(message)


def _gone(place: str, found: str) -> CheckpointError:
    message = (
        f"The checkpoint has read {place}, but {found}: the topic was deleted, or created again. "
        f"Restore it, or start with a new checkpoint and a new target. {START_OVER}"
    )
    return CheckpointError(message)


def _bounds(spark: SparkSession, admin: Any, topic: str) -> dict[int, tuple[int, int]]:
    """Return the first and the next offset of each partition of a topic."""
    jvm: Any = spark._jvm  # noqa: SLF001 - the only way to it
    (described,) = admin.describeTopics([topic]).allTopicNames().get().values()
    numbers = [partition.partition() for partition in described.partitions()]
    places = {
        number: jvm.org.apache.kafka.common.TopicPartition(topic, number) for number in numbers
    }
    kinds = _clients(spark).OffsetSpec
    ends = []
    for kind in (kinds.earliest(), kinds.latest()):
        wanted = jvm.java.util.HashMap()
        for place in places.values():
            wanted.put(place, kind)
        found = admin.listOffsets(wanted)
        ends.append([found.partitionResult(place).get().offset() for place in places.values()])
    return dict(zip(numbers, zip(*ends, strict=True), strict=True))


@contextmanager
def _ask(spark: SparkSession, kafka: Kafka) -> Iterator[Any]:
    """Yield an admin client; raise SetupError if the brokers refuse a request."""
    try:
        with _admin(spark, kafka) as admin:
            yield admin
    except Py4JJavaError as error:
        message = (
            f"Kafka at {kafka.bootstrap_servers} refuses the job, or gives no answer to security "
            f"{kafka.security}: {cause_of(error)}. Correct [{kafka.NAME}] or its secrets, such as "
            f"STREAM__{kafka.NAME.upper()}__PASSWORD."
        )
        raise SetupError(message) from None


@contextmanager
def _admin(spark: SparkSession, kafka: Kafka) -> Iterator[Any]:
    """Yield an admin client of Kafka, which is part of Spark's Kafka connector."""
    properties = {name.removeprefix("kafka."): value for name, value in kafka.options().items()}
    properties |= {"default.api.timeout.ms": REQUEST_MS, "request.timeout.ms": REQUEST_MS}
    jvm: Any = spark._jvm  # noqa: SLF001 - the only way to it
    admin = _clients(spark).AdminClient.create(jvm.java.util.HashMap(properties))
    try:
        yield admin
    finally:
        admin.close()


def _clients(spark: SparkSession) -> Any:
    jvm: Any = spark._jvm  # noqa: SLF001 - the only way to it
    return jvm.org.apache.kafka.clients.admin


def _names(admin: Any) -> set[str]:
    return set(admin.listTopics().names().get())
