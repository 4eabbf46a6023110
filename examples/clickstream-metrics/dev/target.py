"""The target of the job on this machine: a Delta table, read without Spark."""

from pathlib import Path

from deltalake import DeltaTable, QueryBuilder
from stream_devkit.results import from_arrow
from stream_devkit.servers.local import Place, RunningServers, Servers
from stream_devkit.verdict import Row

from clickstream_metrics.settings import Settings

from dev.results import KINDS


class Target:
    """A Delta table in a folder."""

    PLACE = "a Delta table"

    def __init__(self, _: Servers, folder: Path, name: str) -> None:
        self._path = folder / name
        self.settings = {"sink.path": str(self._path)}
        """The settings with which the job writes to this target."""

    def rows(self) -> list[Row]:
        """Return all rows of the table; none before the job creates it."""
        if not DeltaTable.is_deltatable(str(self._path)):
            return []
        query = QueryBuilder().register("result", DeltaTable(str(self._path)))
        found = query.execute("SELECT * FROM result").read_all()
        names = found.schema.names
        cells = zip(*(list(found[name].to_pylist()) for name in names), strict=True)
        return [from_arrow(KINDS, dict(zip(names, row, strict=True))) for row in cells]


def place(settings: Settings) -> Place:
    """Return where these settings have the target."""
    path = Path(settings.sink.path)
    return RunningServers(), path.parent, path.name
