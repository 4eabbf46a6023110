{% set job = cookiecutter | stream_plan %}
"""The servers that the job needs, on this machine, each started when it is first asked for."""

from contextlib import ExitStack
{% if job.kafka or job.postgres %}
from functools import cached_property
{% endif %}
from pathlib import Path
from types import TracebackType
from typing import Self

{% if job.kafka %}
from dev.broker import Broker
{% endif %}
{% if job.postgres %}
from dev.database import Database
{% endif %}
{% if job.kafka or job.postgres %}

{% endif %}

class Services:
    """What runs beside the job: `with Services(folder) as services: ...`; its end ends them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running = ExitStack()
{% if job.kafka %}

    @cached_property
    def broker(self) -> Broker:
        """A Kafka broker."""
        return self._running.enter_context(Broker(self._folder / "broker"))
{% endif %}
{% if job.postgres %}

    @cached_property
    def database(self) -> Database:
        """A PostgreSQL server."""
        return self._running.enter_context(Database(self._folder / "database"))
{% endif %}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._running.close()
