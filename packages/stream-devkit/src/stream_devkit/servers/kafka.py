"""A real Kafka broker as a plain process: `with Broker(Path("build/broker")) as broker: ...`."""

import base64
import contextlib
import json
import logging
import os
import socket
import subprocess
import uuid
from collections.abc import Sequence
from pathlib import Path

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]
from typing_extensions import override

from stream_devkit import jars
from stream_devkit.preflight import java_command

from .server import HOST, START_SECONDS, Server, ServerError

JVM_OPTIONS = (
    *("-Xmx512m", "-Xms64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
)
PROPERTIES = """\
process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller}
controller.listener.names=CONTROLLER
controller.quorum.bootstrap.servers={host}:{controller}
log.dirs={data}
log.retention.ms=-1
num.network.threads=2
num.io.threads=2
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
"""


class Cluster:
    """A running Kafka cluster without a login, at an address for clients."""

    def __init__(self, bootstrap_servers: str) -> None:
        self._bootstrap_servers = bootstrap_servers

    @property
    def bootstrap_servers(self) -> str:
        """Return the address for clients."""
        return self._bootstrap_servers

    def create_topic(self, name: str, partitions: int = 2) -> None:
        """Create a topic if it does not exist, and return when clients can write to it."""
        admin = self._admin()
        try:
            admin.create_topics([NewTopic(name, partitions, 1)])[name].result(START_SECONDS)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise

    def delete_topic(self, name: str) -> None:
        """Delete a topic with its messages."""
        admin = self._admin()
        admin.delete_topics([name])[name].result(START_SECONDS)

    def _admin(self) -> AdminClient:
        # librdkafka logs to stderr as long as a broker is unreachable: discard its log.
        silent = logging.Logger("kafka", logging.CRITICAL + 1)
        return AdminClient({"bootstrap.servers": self.bootstrap_servers}, logger=silent)


class Broker(Server, Cluster):
    """One broker on loopback (see server.py).

    Args:
        folder: see `Server`.
        port: see `Server`.
        class_path: the folder with its jars; by default those of the project.
        keep: see `Server`.
    """

    name = "broker"

    def __init__(
        self, folder: Path, port: int = 0, class_path: Path | None = None, *, keep: bool = False
    ) -> None:
        super().__init__(folder, port, keep=keep)
        self._class_path = class_path

    @property
    @override
    def bootstrap_servers(self) -> str:
        return f"{HOST}:{self.port}"

    @override
    def _configure(self, spare_port: int) -> None:
        # Java reads this file as Latin-1, so other letters are escaped as in JSON.
        data = json.dumps(str(self._folder / "data"))[1:-1]
        text = PROPERTIES.format(host=HOST, port=self.port, controller=spare_port, data=data)
        self._configuration.write_text(text, "utf-8")

    @override
    def _format(self) -> None:
        self._cluster.write_text(_cluster_id(), "utf-8")
        options = ["--standalone", "-t", self._cluster.read_text("utf-8")]
        run = subprocess.run(
            self._java(
                "kafka.tools.StorageTool", "format", *options, "-c", str(self._configuration)
            ),
            check=False,
            capture_output=True,
            text=True,
        )
        if run.returncode:
            message = f"the broker cannot format {self._folder}:\n{run.stdout}{run.stderr}"
            raise ServerError(message)

    @override
    def _command(self) -> Sequence[str]:
        return self._java("kafka.Kafka", str(self._configuration))

    @override
    def _answers(self) -> bool:
        with contextlib.suppress(OSError, KafkaException):
            socket.create_connection((HOST, self.port), 1).close()
            # If another broker has the port, this one is about to fail.
            found = self._admin().list_topics(timeout=2).cluster_id
            return bool(found == self._cluster.read_text("utf-8"))
        return False

    def _java(self, *arguments: str) -> list[str]:
        class_path = f"{self._class_path or jars.ensure('broker')}{os.sep}*"
        return [java_command(), *JVM_OPTIONS, "-cp", class_path, *arguments]

    @property
    def _configuration(self) -> Path:
        return self._folder / "server.properties"

    @property
    def _cluster(self) -> Path:
        """The file with the id of the cluster."""
        return self._folder / "cluster"


def _cluster_id() -> str:
    """Return a Kafka UUID: 16 bytes in URL-safe base64 that do not start with a dash."""
    return "k" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode()[1:22]
