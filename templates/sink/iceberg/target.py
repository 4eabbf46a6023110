"""Where the job's result lands, on this machine: an Iceberg table, read without Spark."""

from pathlib import Path

from pyiceberg.table import StaticTable
from stream_devkit.results import from_arrow
from stream_devkit.servers.local import LocalServers
from stream_devkit.verdict import Row

from dev.results import KINDS


class Target:
    """A table in a folder, which is a catalog of its own."""

    PLACE = "an Iceberg table"

    def __init__(self, _: LocalServers, folder: Path, name: str) -> None:
        self._metadata = folder / name / "streams" / "result" / "metadata"
        self.settings = {
            "sink.table": f"{name.replace('-', '_')}.streams.result",
            "sink.catalog.warehouse": str(folder / name),
        }
        """What the job has to be told to find it."""

    def rows(self) -> list[Row]:
        """All rows of the table."""
        newest = max(self._metadata.glob("v*.metadata.json"), key=_version)
        found = StaticTable.from_metadata(str(newest)).scan().to_arrow()
        return [from_arrow(KINDS, row) for row in found.to_pylist()]


def _version(metadata: Path) -> int:
    """Return the number in the name of a metadata file: each commit adds one."""
    return int(metadata.name.partition(".")[0].removeprefix("v"))
