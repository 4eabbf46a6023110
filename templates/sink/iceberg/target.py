"""The target of the job on this machine: an Iceberg table, read without Spark."""

from pathlib import Path

from pyiceberg.table import StaticTable
from stream_devkit.results import from_arrow
from stream_devkit.servers.local import Place, RunningServers, Servers
from stream_devkit.verdict import Row

from {{ cookiecutter.__package }}.settings import Settings

from dev.results import KINDS


class Target:
    """A table in a folder, which is a catalog of its own."""

    PLACE = "an Iceberg table"

    def __init__(self, _: Servers, folder: Path, name: str) -> None:
        self._metadata = folder / name / "streams" / "result" / "metadata"
        self.settings = {
            "sink.table": f"{name.replace('-', '_')}.streams.result",
            "sink.catalog.warehouse": str(folder / name),
        }
        """The settings with which the job writes to this target."""

    def rows(self) -> list[Row]:
        """Return all rows of the table; none before the job creates it."""
        newest = max(self._metadata.glob("v*.metadata.json"), key=_version, default=None)
        if newest is None:
            return []
        found = StaticTable.from_metadata(str(newest)).scan().to_arrow()
        return [from_arrow(KINDS, row) for row in found.to_pylist()]


def place(settings: Settings) -> Place:
    """Return where these settings have the target."""
    warehouse = Path(settings.sink.catalog.warehouse)
    return RunningServers(), warehouse.parent, warehouse.name


def _version(metadata: Path) -> int:
    """Return the number in the name of a metadata file: each commit adds one."""
    return int(metadata.name.partition(".")[0].removeprefix("v"))
