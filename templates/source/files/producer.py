"""The source of the job on this machine: files of JSON lines in a folder."""

import os
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

from stream_devkit.events.generate import Event
from stream_devkit.servers.local import Place, RunningServers, Servers

from {{ cookiecutter.__package }}.settings import Settings

FILE_ROWS = 250
SLICE_ROWS = 1000
TICK = 0.001
"""Seconds between two files: Spark orders files by modification time in milliseconds."""


class EventProducer:
    """A folder into which complete files are moved; it records the file of each event."""

    PLACE = "files in a folder"
    TYPED = False
    """Whether the records have typed columns, so that none can be malformed."""

    def __init__(self, _: Servers, folder: Path, name: str) -> None:
        self._folder = (folder / name).resolve()
        self._folder.mkdir(parents=True, exist_ok=True)
        self._files = len(list(self._folder.glob("*.ndjson")))
        self._newest = 0.0
        self.settings = {"source.path": str(self._folder)}
        """The settings with which the job reads this source."""
        self.origins: list[str] = []
        """The file of each event, in the order of sending."""

    @staticmethod
    def slices(events: Sequence[Event], _: timedelta) -> Iterator[Sequence[Event]]:
        """Yield the parts that are sent one after another."""
        for first in range(0, len(events), SLICE_ROWS):
            yield events[first : first + SLICE_ROWS]

    @staticmethod
    def batches_of(rows: int) -> dict[str, str]:
        """Return settings with which a batch has at most `rows` records."""
        return {"source.max_files_per_trigger": str(max(1, rows // FILE_ROWS))}

    def send(self, events: Sequence[Event]) -> None:
        """Send the events in files, each with the modification time of its last event."""
        for first in range(0, len(events), FILE_ROWS):
            self._move_in(events[first : first + FILE_ROWS])

    def _move_in(self, events: Sequence[Event]) -> None:
        """Write a hidden file, then rename it, so that Spark reads only complete files."""
        path = self._folder / f"{self._files:06d}.ndjson"
        draft = path.with_name(f".{path.name}")
        # A newline would end the record: a space keeps it one record, and as invalid as before.
        lines = [(event.raw or b"").replace(b"\n", b" ") for event in events]
        draft.write_bytes(b"".join(line + b"\n" for line in lines))
        self._files += 1
        self._newest = max(events[-1].sent.timestamp(), self._newest + TICK)
        os.utime(draft, (self._newest, self._newest))
        draft.rename(path)
        # Spark writes the URI with one slash.
        self.origins += [path.as_uri().replace("file://", "file:", 1)] * len(events)


def place(settings: Settings) -> Place:
    """Return where these settings have the source."""
    path = Path(settings.source.path)
    return RunningServers(), path.parent, path.name
