"""A real Kafka broker as a plain process: `with Broker(Path("build/broker")) as broker: ...`.

By hand: `python -m dev.broker --port 9092 --topic clicks` runs one until Ctrl-C.
"""

import argparse
import base64
import contextlib
import logging
import os
import shutil
import socket
import subprocess
import sys
import time
import uuid
from pathlib import Path
from types import TracebackType
from typing import Self

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from dev import jars
from dev.preflight import ENVIRONMENT_PROBLEM, java_command
from dev.process import Process, ProcessError, terminable

HOST = "127.0.0.1"
START_SECONDS = 60
ATTEMPTS = 5
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


class BrokerError(ProcessError):
    """Raised when the broker does not start; the message ends with its last words."""


class Broker:
    """One broker on loopback, its data and its log in one folder.

    Args:
        folder: where data and log stand; a broker that was started there before goes on.
        port: the port for clients; a free one unless given.
    """

    def __init__(self, folder: Path, port: int = 0) -> None:
        self._folder = folder.resolve()
        self._wanted_port = port
        self._process: Process | None = None
        self._ports: tuple[int, int] | None = None
        self._cluster = _cluster_id()

    @property
    def port(self) -> int:
        """The port for clients, 0 before the first start."""
        return self._ports[0] if self._ports else 0

    @property
    def bootstrap_servers(self) -> str:
        """Where clients connect."""
        return f"{HOST}:{self.port}"

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.exit_code is None

    @property
    def log(self) -> Path:
        """What the broker writes."""
        return self._folder / "broker.log"

    def start(self) -> None:
        """Start, and return once a client gets an answer."""
        if self._ports:
            self._run()
            return
        for attempt in range(ATTEMPTS):
            self._format()
            try:
                self._run()
            except BrokerError:
                # A free port may be taken between our look and the broker's: look again.
                taken = any(map(_is_taken, self._ports or ()))
                if self._wanted_port or not taken or attempt == ATTEMPTS - 1:
                    raise
            else:
                return

    def stop(self) -> None:
        """Shut down in order."""
        if self._process:
            self._process.stop()
            self._process = None

    def kill(self) -> None:
        """Die on the spot, as in a power cut (SIGKILL); `start` brings it back with its data."""
        if self._process:
            self._process.kill()
            self._process = None

    def create_topic(self, name: str, partitions: int = 2) -> None:
        """Make a topic, and return when it can be written to."""
        admin = self._admin()
        admin.create_topics([NewTopic(name, partitions, 1)])[name].result(START_SECONDS)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Its data is thrown away: no need to wait for an orderly end.
        self.kill()

    def _format(self) -> None:
        """Choose ports, write the configuration and make the data folder ready."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        port, controller = self._ports = _free_ports(self._wanted_port)
        data = self._folder / "data"
        text = PROPERTIES.format(host=HOST, port=port, controller=controller, data=data)
        self._configuration.write_text(text, "utf-8")
        options = ["--standalone", "-t", self._cluster, "-c", str(self._configuration)]
        run = subprocess.run(
            self._java("kafka.tools.StorageTool", "format", *options),
            check=False,
            capture_output=True,
            text=True,
        )
        if run.returncode:
            message = f"the broker cannot format {self._folder}:\n{run.stdout}{run.stderr}"
            raise BrokerError(message)

    def _run(self) -> None:
        """Start the process and wait for its first answer to a client."""
        self._process = Process(self._java("kafka.Kafka", str(self._configuration)), self.log)
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.exit_code is not None or time.monotonic() > deadline:
                said, ended = self._process.last_lines(), self._process.exit_code is not None
                self.kill()
                what = "ended at its start" if ended else f"did not answer in {START_SECONDS} s"
                if ended and _is_taken(self.port):
                    what += f", since another program has port {self.port}"
                message = f"the broker {what}. Its log, {self.log}, ends with:\n{said}"
                raise BrokerError(message)

    def _answers(self) -> bool:
        with contextlib.suppress(OSError, KafkaException):
            socket.create_connection((HOST, self.port), 1).close()
            # Another broker may have the port; ours dies of that in a moment.
            return bool(self._admin().list_topics(timeout=2).cluster_id == self._cluster)
        time.sleep(0.05)
        return False

    def _admin(self) -> AdminClient:
        # librdkafka writes to stderr without end while a broker is away: give it a deaf ear.
        silent = logging.Logger("kafka", logging.CRITICAL + 1)
        return AdminClient({"bootstrap.servers": self.bootstrap_servers}, logger=silent)

    def _java(self, *arguments: str) -> list[str]:
        class_path = f"{jars.ensure('broker')}{os.sep}*"
        return [java_command(), *JVM_OPTIONS, "-cp", class_path, *arguments]

    @property
    def _configuration(self) -> Path:
        return self._folder / "server.properties"


def _free_ports(wanted: int) -> tuple[int, int]:
    """A port for clients, the wanted one if there is one, and another for the controller."""
    with socket.socket() as first, socket.socket() as second:
        for holder in (first, second):
            holder.bind((HOST, 0))
        return wanted or first.getsockname()[1], second.getsockname()[1]


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        # As Java does, so that connections that ended a moment ago do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    return False


def _cluster_id() -> str:
    """A Kafka UUID: 16 bytes in URL-safe base64, not starting with a dash."""
    return "k" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode()[1:22]


def main() -> int:
    """Run a broker until Ctrl-C or SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m dev.broker", description=main.__doc__)
    parser.add_argument("--port", type=int, default=9092)
    parser.add_argument("--topic", help="a topic to create")
    parser.add_argument("--partitions", type=int, default=2)
    parser.add_argument("--folder", type=Path, default=Path("build/broker"), help="emptied first")
    options = parser.parse_args()
    try:
        with terminable(), Broker(options.folder, options.port) as broker:
            if options.topic:
                broker.create_topic(options.topic, options.partitions)
            print(f"Kafka answers at {broker.bootstrap_servers}; Ctrl-C ends it.", flush=True)
            while broker.running:
                time.sleep(1)
    except KeyboardInterrupt:
        return 0
    except (ProcessError, jars.JarsError) as error:
        print(f"broker: {error}", file=sys.stderr)
        return ENVIRONMENT_PROBLEM
    return 0


if __name__ == "__main__":
    sys.exit(main())
