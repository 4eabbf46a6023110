"""The target of the job on this machine: a PostgreSQL table, read without Spark."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from psycopg import sql
from psycopg.errors import UndefinedTable
from psycopg.rows import dict_row
from stream_devkit.events.typed import typed
from stream_devkit.events.values import NESTED, base_of
from stream_devkit.servers.local import Place, RunningServers, Servers
from stream_devkit.verdict import Row

from {{ cookiecutter.__package }}.settings import Settings

from dev.results import KINDS


class Target:
    """A PostgreSQL table, which the job creates."""

    PLACE = "a PostgreSQL table"

    def __init__(self, servers: Servers, _: Path, name: str) -> None:
        self._database = servers.database
        self._table = name.replace("-", "_")
        self.settings = {**self._database.settings, "sink.table": self._table}
        """The settings with which the job writes to this target."""

    def rows(self) -> list[Row]:
        """Return all rows of the table; none before the job creates it."""
        query = sql.SQL("SELECT * FROM {}").format(sql.Identifier(*self._table.split(".")))
        with self._database.connect() as connection:
            cursor = connection.cursor(row_factory=dict_row)
            try:
                rows = cursor.execute(query).fetchall()
            except UndefinedTable:
                return []
        return [{name: _value(name, value) for name, value in row.items()} for row in rows]


def place(settings: Settings) -> Place:
    """Return where these settings have the target."""
    return RunningServers(connect=settings.sink.connect), Path(), settings.sink.table


def _value(name: str, value: Any) -> Any:
    """Return a value in its Python type: PostgreSQL returns JSON and its own time zone."""
    kind = KINDS.get(name, "")
    if base_of(kind) in NESTED:
        return typed(kind, value)
    return value.astimezone(UTC) if isinstance(value, datetime) and value.tzinfo else value
