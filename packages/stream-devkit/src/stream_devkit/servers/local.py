"""The servers that a job needs: those of this program, or those that run already.

A project installs the client of a server only if its job uses the server.
"""

from collections.abc import Callable
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

from .process import ProcessError

if TYPE_CHECKING:
    import psycopg

    from .kafka import Broker, Cluster
    from .postgres import Database, DatabaseClient
    from .server import Server

Place = tuple["Servers", Path, str]
"""Where a project's `EventProducer` writes and its `Target` reads: servers, folder, name."""


class Servers(Protocol):
    """The servers of a job; each property fails in a project that does not use the server."""

    @property
    def broker(self) -> "Cluster":
        """Return the Kafka cluster."""

    @property
    def database(self) -> "DatabaseClient":
        """Return the PostgreSQL database."""


class LocalServers:
    """Servers of this program: `with LocalServers(folder) as servers: ...` stops them at the end.

    Each starts at its first use.

    Args:
        folder: the parent of the folders of the servers.
        broker_port: the port of the broker; a free one unless given.
        database_port: the port of the database; a free one unless given.
        keep: whether the servers keep the data of an earlier program.
    """

    def __init__(
        self, folder: Path, *, broker_port: int = 0, database_port: int = 0, keep: bool = False
    ) -> None:
        self._folder = folder
        self._broker_port, self._database_port = broker_port, database_port
        self._keep = keep
        self._running = ExitStack()
        self.started: list[Server] = []
        """The servers that were started."""

    @property
    def running(self) -> bool:
        """Return whether all servers that were started still run."""
        return all(server.running for server in self.started)

    @cached_property
    def broker(self) -> "Broker":
        """Return the Kafka broker, and start it at the first use."""
        from .kafka import Broker  # noqa: PLC0415 - see the module

        broker = Broker(self._folder / "broker", self._broker_port, keep=self._keep)
        self.started.append(broker)
        return self._running.enter_context(broker)

    @cached_property
    def database(self) -> "Database":
        """Return the PostgreSQL server, and start it at the first use."""
        from .postgres import Database  # noqa: PLC0415 - see the module

        database = Database(self._folder / "database", self._database_port, keep=self._keep)
        self.started.append(database)
        return self._running.enter_context(database)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._running.close()


class RunningServers:
    """Servers that run already, at the addresses in the settings of a job.

    Args:
        bootstrap_servers: the address of the Kafka cluster.
        connect: returns a new connection to the database.
    """

    def __init__(
        self,
        bootstrap_servers: str = "",
        connect: "Callable[[], psycopg.Connection[Any]] | None" = None,
    ) -> None:
        self._bootstrap_servers, self._connect = bootstrap_servers, connect

    @property
    def broker(self) -> "Cluster":
        """Return the Kafka cluster."""
        from .kafka import Cluster  # noqa: PLC0415 - see the module

        return Cluster(self._bootstrap_servers)

    @property
    def database(self) -> "DatabaseClient":
        """Return the PostgreSQL database."""
        from .postgres import DatabaseClient  # noqa: PLC0415 - see the module

        if self._connect is None:
            message = "the job has no database"
            raise ProcessError(message)
        return DatabaseClient(self._connect)
