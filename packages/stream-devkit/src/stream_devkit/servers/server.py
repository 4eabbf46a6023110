"""Servers as plain processes on loopback, which end with the program that starts them."""

import shutil
import socket
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from stream_devkit.jars import JarsError
from stream_devkit.preflight import ENVIRONMENT_PROBLEM

from .process import Process, ProcessError, terminable

HOST = "127.0.0.1"
START_SECONDS = 60
ATTEMPTS = 5
POLL_SECONDS = 0.05


class ServerError(ProcessError):
    """Raised when a server does not start; the message ends with the end of its log."""


class Server(ABC):
    """One server on loopback, with data and log in one folder.

    Args:
        folder: the folder of data and log; the first start empties it, later ones keep it.
        port: the port for clients; a free one unless given.
    """

    name: ClassVar[str]

    def __init__(self, folder: Path, port: int = 0) -> None:
        self._folder = folder.resolve()
        self._wanted_port = port
        self._process: Process | None = None
        self.port = 0
        """The port for clients, 0 before the first start."""

    @property
    def running(self) -> bool:
        """Return whether the process runs."""
        return self._process is not None and self._process.exit_code is None

    @property
    def log(self) -> Path:
        """Return the log file."""
        return self._folder / f"{self.name}.log"

    def start(self) -> None:
        """Start the server, and return when it answers a client."""
        if self.port:
            self._run()
            return
        for attempt in range(ATTEMPTS):
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder.mkdir(parents=True)
            self.port, *others = free_ports(self._wanted_port)
            self._format(*others)
            try:
                self._run()
            except ServerError:
                # Another program can take the free port before the server does: choose again.
                taken = any(map(is_taken, (self.port, *others)))
                if self._wanted_port or not taken or attempt == ATTEMPTS - 1:
                    raise
            else:
                return

    def stop(self) -> None:
        """Shut down cleanly."""
        if self._process:
            self._process.stop()
            self._process = None

    def kill(self) -> None:
        """Kill the server (SIGKILL); `start` starts it again with its data."""
        if self._process:
            self._process.kill()
            self._process = None

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
        # The data is not used again, so a clean shutdown is not needed.
        self.kill()

    @abstractmethod
    def _format(self, spare_port: int) -> None:
        """Initialize the empty folder; a server that needs a second port uses the spare one."""

    @abstractmethod
    def _command(self) -> Sequence[str]:
        """Return the command line of the server."""

    @abstractmethod
    def _answers(self) -> bool:
        """Return whether this server answers a client, not another one on its port."""

    def _run(self) -> None:
        """Start the process and wait for its first answer to a client."""
        self._process = Process(self._command(), self.log)
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.exit_code is not None or time.monotonic() > deadline:
                said, ended = self._process.last_lines(), self._process.exit_code is not None
                self.kill()
                what = "ended at its start" if ended else f"did not answer in {START_SECONDS} s"
                if ended and is_taken(self.port):
                    what += f", since another program has port {self.port}"
                message = f"the {self.name} {what}. Its log, {self.log}, ends with:\n{said}"
                raise ServerError(message)
            time.sleep(POLL_SECONDS)


def serve(server: Server, ready: Callable[[], str]) -> int:
    """Run a server until Ctrl-C or SIGTERM, print `ready()`, and return the exit code."""
    try:
        with terminable(), server:
            print(ready(), flush=True)
            while server.running:
                time.sleep(1)
    except KeyboardInterrupt:
        return 0
    except (ProcessError, JarsError) as error:
        print(f"{server.name}: {error}", file=sys.stderr)
        return ENVIRONMENT_PROBLEM
    return 0


def free_ports(wanted: int) -> tuple[int, int]:
    """Return a port for clients, the wanted one unless it is 0, and a spare port."""
    with socket.socket() as first, socket.socket() as second:
        for holder in (first, second):
            holder.bind((HOST, 0))
        return wanted or first.getsockname()[1], second.getsockname()[1]


def is_taken(port: int) -> bool:
    """Return whether a program listens on the port."""
    with socket.socket() as probe:
        # Servers set it too, so that recently closed connections do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    return False
