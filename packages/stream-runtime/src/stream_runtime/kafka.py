"""The Kafka settings that source and sink share, and the creation of topics."""

import socket
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

from py4j.protocol import Py4JJavaError
from pydantic import Field, SecretStr, field_validator, model_validator
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from typing_extensions import override

from .causes import cause_of
from .config import Secret
from .errors import ConfigError, SetupError
from .systems import System

CONNECT_SECONDS = 5
SHADE = "kafkashaded."
LOGIN = "org.apache.kafka.common.security"
# A fixed list, because some Java login modules load code from a URL in their options.
LOGIN_MODULES = {
    "PLAIN": f"{LOGIN}.plain.PlainLoginModule",
    "SCRAM-SHA-256": f"{LOGIN}.scram.ScramLoginModule",
    "SCRAM-SHA-512": f"{LOGIN}.scram.ScramLoginModule",
}
# The job sets these, or Spark refuses them.
OWNED = {
    "bootstrap.servers",
    "security.protocol",
    "isolation.level",
    "group.id",
    "auto.offset.reset",
    "enable.auto.commit",
    "interceptor.classes",
    "key.deserializer",
    "key.serializer",
    "value.deserializer",
    "value.serializer",
}
OWNED_GROUPS = ("sasl.",)


class Kafka(System):
    """The settings of one Kafka cluster in a table of conf/*.toml."""

    bootstrap_servers: str
    security: Literal["PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    """The SASL mechanism of username and password; ignored with PLAINTEXT."""
    username: str = ""
    password: Secret = SecretStr("")
    shaded: bool = False
    """Whether Spark's Kafka client has renamed classes, as on Databricks."""
    client: Mapping[str, str | int] = Field(default_factory=dict)
    """Further settings of Kafka's client, as Kafka names them, such as "fetch.max.wait.ms"."""

    @field_validator("client")
    @classmethod
    def _is_free(cls, client: Mapping[str, str | int]) -> Mapping[str, str | int]:
        for name in client:
            if name in OWNED or name.startswith(OWNED_GROUPS):
                message = f'the job sets "{name}" itself: remove it'
                raise ValueError(message)
            if "password" in name:
                message = f'"{name}" is a secret, and conf/ stores no secrets: remove it'
                raise ValueError(message)
        return client

    @model_validator(mode="after")
    def _has_user(self) -> Self:
        if self.security == "SASL_SSL" and not (self.username and self.password):
            message = "security SASL_SSL needs a username and a password"
            raise ValueError(message)
        return self

    def options(self) -> dict[str, str]:
        """Return the options with which Spark's Kafka connector connects to the brokers.

        Raises:
            ConfigError: the username or the password has a control character.
        """
        options = {
            "kafka.bootstrap.servers": self.bootstrap_servers,
            "kafka.security.protocol": self.security,
            **{f"kafka.{name}": str(value) for name, value in self.client.items()},
        }
        if self.security == "SASL_SSL":
            module = (SHADE if self.shaded else "") + LOGIN_MODULES[self.mechanism]
            options["kafka.sasl.mechanism"] = self.mechanism
            options["kafka.sasl.jaas.config"] = jaas(
                module, username=self.username, password=self.password.get_secret_value()
            )
        return options

    @override
    def check(self) -> None:
        """Raise SetupError if no broker accepts a connection."""
        causes = []
        for server in self.bootstrap_servers.split(","):
            host, _, port = server.strip().rpartition(":")
            try:
                socket.create_connection((host, int(port)), timeout=CONNECT_SECONDS).close()
            except (OSError, ValueError) as cause:
                causes.append(f"{server}: {cause}")
            else:
                return
        message = (
            f"No Kafka broker answers ({'; '.join(causes)}). Start it, or set "
            f"{self.NAME}.bootstrap_servers to where it is."
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
        _make_topic(spark, kafka.options(), topic)
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


def _make_topic(spark: SparkSession, options: Mapping[str, str], topic: Topic) -> None:
    """Create a topic with the admin client that is part of Spark's Kafka connector."""
    jvm: Any = spark._jvm  # noqa: SLF001 - the only way to it
    properties = {name.removeprefix("kafka."): value for name, value in options.items()}
    clients = jvm.org.apache.kafka.clients.admin
    admin = clients.AdminClient.create(jvm.java.util.HashMap(properties))
    try:
        if admin.listTopics().names().get().contains(topic.name):
            return
        wanted = clients.NewTopic(topic.name, topic.partitions, topic.replication_factor)
        wanted.configs({"cleanup.policy": topic.cleanup_policy})
        admin.createTopics([wanted]).all().get()
    finally:
        admin.close()
