"""The target of the job on this machine: Parquet files, read without Spark."""

import json
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pyarrow import parquet
from stream_devkit.results import from_arrow
from stream_devkit.servers.local import Place, RunningServers, Servers
from stream_devkit.verdict import Row

from {{ cookiecutter.__package }}.settings import Settings

from dev.results import KINDS


class Target:
    """A folder of Parquet files."""

    PLACE = "Parquet files"

    def __init__(self, _: Servers, folder: Path, name: str) -> None:
        self._path = folder / name
        self.settings = {"sink.path": str(self._path)}
        """The settings with which the job writes to this target."""

    def rows(self) -> list[Row]:
        """Return the rows of the files in `_spark_metadata`: those of committed batches."""
        found = (row for file in self._files() for row in parquet.read_table(file).to_pylist())
        return [from_arrow(KINDS, row) for row in found]

    def _files(self) -> list[Path]:
        """Return the committed files; Spark regularly merges their logs into `<batch>.compact`."""
        logs = {
            int(log.name.removesuffix(".compact")): log
            for log in sorted((self._path / "_spark_metadata").glob("[0-9]*"))
        }
        whole = max((batch for batch, log in logs.items() if log.suffix), default=0)
        entries = [
            json.loads(line)
            for batch, log in sorted(logs.items())
            if batch >= whole
            for line in log.read_text("utf-8").splitlines()[1:]
        ]
        return [Path(unquote(urlsplit(entry["path"]).path)) for entry in entries]


def place(settings: Settings) -> Place:
    """Return where these settings have the target."""
    path = Path(settings.sink.path)
    return RunningServers(), path.parent, path.name
