{% set right = (cookiecutter | stream_plan).right %}
"""The source of the job on this machine: a Delta table, written without Spark."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake
from stream_devkit.events.generate import Event
from stream_devkit.events.typed import typed
from stream_devkit.events.values import Value, base_of, fields_of, inside, parts
from stream_devkit.servers.local import Place, RunningServers, Servers

from {{ cookiecutter.__package }}.schema import EVENT
from {{ cookiecutter.__package }}.settings import Settings

COMMIT_ROWS = 1000
ARROW = {
    "STRING": pa.string(),
    "BOOLEAN": pa.bool_(),
    "TINYINT": pa.int8(),
    "SMALLINT": pa.int16(),
    "INT": pa.int32(),
    "BIGINT": pa.int64(),
    "FLOAT": pa.float32(),
    "DOUBLE": pa.float64(),
    "DATE": pa.date32(),
    "TIMESTAMP": pa.timestamp("us", "UTC"),
    "TIMESTAMP_NTZ": pa.timestamp("us"),
    "BINARY": pa.binary(),
}


class EventProducer:
    """A Delta table to which commits add rows; it records the file of each event."""

    PLACE = "a Delta table"
    TYPED = True
    """Whether the records have typed columns, so that none can be malformed."""

{% if right %}
    def __init__(
        self, _: Servers, folder: Path, name: str, columns: Mapping[str, str] = EVENT.sent
    ) -> None:
        self._columns = columns
{% else %}
    def __init__(self, _: Servers, folder: Path, name: str) -> None:
{% endif %}
        self._path = (folder / name).resolve()
        self._schema = pa.schema([(name, _arrow(kind)) for name, kind in {{ "columns" if right else "EVENT.sent" }}.items()])
        DeltaTable.create(str(self._path), self._schema, mode="ignore")
        self.settings = {"source.path": str(self._path)}
        """The settings with which the job reads this source."""
        self.origins: list[str] = []
        """The file of each event, in the order of sending."""

    @staticmethod
    def slices(events: Sequence[Event], _: timedelta) -> Iterator[Sequence[Event]]:
        """Yield the parts that are sent one after another."""
        for first in range(0, len(events), COMMIT_ROWS):
            yield events[first : first + COMMIT_ROWS]

    @staticmethod
    def batches_of(rows: int) -> dict[str, str]:
        """Return settings with which a batch has at most `rows` records."""
        return {"source.max_files_per_trigger": str(max(1, rows // COMMIT_ROWS))}

    def send(self, events: Sequence[Event]) -> None:
        """Send the events in one commit with one file."""
        rows = [_row(json.loads(event.raw or b"{}"), {{ "self._columns" if right else "EVENT.sent" }}) for event in events]
        write_deltalake(str(self._path), pa.Table.from_pylist(rows, self._schema), mode="append")
        version = DeltaTable(str(self._path)).version()
        commit = (self._path / "_delta_log" / f"{version:020d}.json").read_text("utf-8")
        (file,) = (line["add"] for line in map(json.loads, commit.splitlines()) if "add" in line)
        path = self._path / file["path"]
        # Spark writes the URI with one slash.
        self.origins += [path.as_uri().replace("file://", "file:", 1)] * len(events)


def place(settings: Settings) -> Place:
    """Return where these settings have the source."""
    path = Path(settings.source.path or "")
    return RunningServers(), path.parent, path.name


def _row(fields: Mapping[str, Value], columns: Mapping[str, str]) -> dict[str, Value]:
    """Return the columns of an event; a missing one is null."""
    return {name: typed(kind, fields.get(name)) for name, kind in columns.items()}


def _arrow(kind: str) -> pa.DataType:
    """Return the Arrow type of a Spark type: `list<date32>` for `ARRAY<DATE>`."""
    base = base_of(kind)
    if base == "DECIMAL":
        return pa.decimal128(*(int(number) for number in re.findall(r"\d+", kind)))
    if base == "ARRAY":
        return pa.list_(_arrow(inside(kind)))
    if base == "MAP":
        return pa.map_(*(_arrow(part) for part in parts(inside(kind))))
    if base == "STRUCT":
        return pa.struct([(name, _arrow(of)) for name, of in fields_of(kind).items()])
    return ARROW[base]
