"""What the job reads, on this machine: files of JSON lines in a folder."""

import os
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

from stream_devkit.events.generate import Event
from stream_devkit.servers.local import LocalServers

FILE_ROWS = 250
SLICE_ROWS = 1000
TICK = 0.001
"""In seconds: Spark takes files in the order of their times, and looks at milliseconds."""


class EventProducer:
    """A folder into which whole files are moved; it notes in which file each event is."""

    PLACE = "files in a folder"
    TYPED = False
    """Whether its records have columns, so that none can be malformed."""

    def __init__(self, _: LocalServers, folder: Path, name: str) -> None:
        self._folder = (folder / name).resolve()
        self._folder.mkdir(parents=True, exist_ok=True)
        self._files = 0
        self._newest = 0.0
        self.settings = {"source.path": str(self._folder)}
        """What the job has to be told to find it."""
        self.origins: list[str] = []
        """The file of each event, in the order of sending."""

    @staticmethod
    def slices(events: Sequence[Event], _: timedelta) -> Iterator[Sequence[Event]]:
        """Parts to send one after another."""
        for first in range(0, len(events), SLICE_ROWS):
            yield events[first : first + SLICE_ROWS]

    @staticmethod
    def batches_of(rows: int) -> dict[str, str]:
        """Settings with which the job takes so many records at a time."""
        return {"source.max_files_per_trigger": str(max(1, rows // FILE_ROWS))}

    def send(self, events: Sequence[Event]) -> None:
        """Send, a few files at a time, each as old as its last event."""
        for first in range(0, len(events), FILE_ROWS):
            self._move_in(events[first : first + FILE_ROWS])

    def _move_in(self, events: Sequence[Event]) -> None:
        """Write a file whole, then give it the name under which it counts."""
        path = self._folder / f"{self._files:06d}.ndjson"
        draft = path.with_name(f".{path.name}")
        # A line producer would end the record: what it parted stays one, and is as broken.
        lines = [(event.raw or b"").replace(b"\n", b" ") for event in events]
        draft.write_bytes(b"".join(line + b"\n" for line in lines))
        self._files += 1
        self._newest = max(events[-1].sent.timestamp(), self._newest + TICK)
        os.utime(draft, (self._newest, self._newest))
        draft.rename(path)
        # As Spark writes it, with one slash.
        self.origins += [path.as_uri().replace("file://", "file:", 1)] * len(events)
