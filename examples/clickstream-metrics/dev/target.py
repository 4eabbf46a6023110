"""Where the job's result lands, on this machine: a Delta table, read without Spark."""

from pathlib import Path

from deltalake import DeltaTable, QueryBuilder
from stream_devkit.results import from_arrow
from stream_devkit.servers.local import LocalServers
from stream_devkit.verdict import Row

from dev.results import KINDS


class Target:
    """A table in a folder."""

    PLACE = "a Delta table"

    def __init__(self, _: LocalServers, folder: Path, name: str) -> None:
        self._path = folder / name
        self.settings = {"sink.path": str(self._path)}
        """What the job has to be told to find it."""

    def rows(self) -> list[Row]:
        """All rows of the table."""
        query = QueryBuilder().register("result", DeltaTable(str(self._path)))
        found = query.execute("SELECT * FROM result").read_all()
        names = found.schema.names
        cells = zip(*(list(found[name].to_pylist()) for name in names), strict=True)
        return [from_arrow(KINDS, dict(zip(names, row, strict=True))) for row in cells]
