"""The servers that a job needs on this machine; each starts at its first use."""

from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from .kafka import Broker
    from .postgres import Database


class LocalServers:
    """The servers of a job: `with LocalServers(folder) as servers: ...` stops them at the end.

    A project installs the client of a server only if its job uses the server.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running = ExitStack()

    @cached_property
    def broker(self) -> "Broker":
        """Return the Kafka broker, and start it at the first use."""
        from .kafka import Broker  # noqa: PLC0415 - see the class

        return self._running.enter_context(Broker(self._folder / "broker"))

    @cached_property
    def database(self) -> "Database":
        """Return the PostgreSQL server, and start it at the first use."""
        from .postgres import Database  # noqa: PLC0415 - see the class

        return self._running.enter_context(Database(self._folder / "database"))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._running.close()
