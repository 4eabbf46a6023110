"""Where the job's result lands, on this machine: Parquet files, read without Spark."""

import json
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pyarrow import parquet
from stream_devkit.results import from_arrow
from stream_devkit.servers.local import LocalServers
from stream_devkit.verdict import Row

from dev.results import KINDS


class Target:
    """A folder."""

    PLACE = "Parquet files"

    def __init__(self, _: LocalServers, folder: Path, name: str) -> None:
        self._path = folder / name
        self.settings = {"sink.path": str(self._path)}
        """What the job has to be told to find it."""

    def rows(self) -> list[Row]:
        """All rows of the files that `_spark_metadata` names: those of whole batches."""
        found = (row for file in self._files() for row in parquet.read_table(file).to_pylist())
        return [from_arrow(KINDS, row) for row in found]

    def _files(self) -> list[Path]:
        """Now and then Spark writes all names so far to one log, `<batch>.compact`."""
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
