"""Servers as plain processes on loopback, which end with the program that starts them."""

import shutil
import socket
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from filelock import FileLock, Timeout

from .process import Process, ProcessError

HOST = "127.0.0.1"
START_SECONDS = 60
ATTEMPTS = 5
POLL_SECONDS = 0.05
FORMATTED = "formatted"
"""The file that says that the folder of a server is complete."""


class ServerError(ProcessError):
    """Raised when a server does not start; the message ends with the end of its log."""


class Server(ABC):
    """One server on loopback, with data and log in one folder.

    A lock beside the folder keeps a second server out of it.

    Args:
        folder: the folder of data and log; the first start empties it, later ones keep it.
        port: the port for clients; a free one unless given.
        keep: whether the first start also keeps the data of an earlier program.
    """

    name: ClassVar[str]

    def __init__(self, folder: Path, port: int = 0, *, keep: bool = False) -> None:
        self._folder = folder.resolve()
        self._wanted_port = port
        self._keep = keep
        self._lock = FileLock(self._folder.with_name(f"{self._folder.name}.lock"), timeout=0)
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
        """Start the server, and return when it answers a client.

        Raises:
            ServerError: the folder or the port is in use, or the server does not start.
        """
        if self.port:
            self._run()
            return
        self._take_folder()
        if self._wanted_port and is_taken(self._wanted_port):
            message = (
                f"the {self.name} cannot start: another program has port {self._wanted_port}. "
                "End it, or set another port in conf/dev.toml."
            )
            raise ServerError(message)
        for attempt in range(ATTEMPTS):
            self.port, *others = free_ports(self._wanted_port)
            self._prepare(*others)
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

    def crash(self) -> None:
        """End the server without a clean shutdown; `start` starts it again with its data."""
        self.kill()

    def freeze(self) -> None:
        """Suspend the server: clients get no answer."""
        if self._process:
            self._process.freeze()

    def thaw(self) -> None:
        """Continue a server that is frozen."""
        if self._process:
            self._process.thaw()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.kill()
            self._lock.release()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._keep:
            self.stop()
        # Data that is not used again needs no clean shutdown.
        self.kill()
        self._lock.release()

    @abstractmethod
    def _configure(self, spare_port: int) -> None:
        """Write the configuration; a server that needs a second port uses the spare one."""

    @abstractmethod
    def _format(self) -> None:
        """Initialize the empty folder of a server that is configured."""

    @abstractmethod
    def _command(self) -> Sequence[str]:
        """Return the command line of the server."""

    @abstractmethod
    def _answers(self) -> bool:
        """Return whether this server answers a client, not another one on its port."""

    def _take_folder(self) -> None:
        self._folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._lock.acquire()
        except Timeout:
            message = (
                f"a {self.name} runs with the data in {self._folder}. Use it, or end it first."
            )
            raise ServerError(message) from None

    def _prepare(self, spare_port: int) -> None:
        """Configure the server, with the data that it keeps or in an empty folder."""
        formatted = self._folder / FORMATTED
        if self._keep and formatted.exists():
            self._configure(spare_port)
            return
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir()
        self._configure(spare_port)
        self._format()
        formatted.touch()

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
                advice = " If its data is damaged, start it with --fresh." if self._keep else ""
                message = f"the {self.name} {what}.{advice} Its log, {self.log}, ends with:\n{said}"
                raise ServerError(message)
            time.sleep(POLL_SECONDS)


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
