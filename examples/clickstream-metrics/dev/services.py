"""The servers that the job needs, on this machine, each started when it is first asked for."""

from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

from dev.broker import Broker


class Services:
    """What runs beside the job: `with Services(folder) as services: ...`; its end ends them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running = ExitStack()

    @cached_property
    def broker(self) -> Broker:
        """A Kafka broker."""
        return self._running.enter_context(Broker(self._folder / "broker"))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._running.close()
