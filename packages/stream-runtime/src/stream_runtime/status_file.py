"""The file `status.json` in a checkpoint: what the command `status` shows (see status.py)."""

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from .causes import STORAGE_ERRORS
from .errors import CheckpointError
from .logs import Tolerance
from .size import Costs
from .storage import Storage, read_json

FILE = "status.json"
EVERY_SECONDS = 5
"""The shortest time between two writes, which cost a request each on an object store."""
SUMS = (
    "input_rows",
    "invalid_rows",
    "unknown_field_rows",
    "late_events",
    "late_groups_dropped",
    "duplicates_dropped",
)
"""The facts of batches that are added up from the start of a driver."""


class StatusFile:
    """The file `status.json` in the root of a checkpoint, as its driver writes it."""

    def __init__(self, root: Storage) -> None:
        self._root = root
        self._tolerance = Tolerance(f"{FILE} in checkpoint.root")
        self._written = 0.0
        self._facts: dict[str, Any] = {
            "batch": None,
            "idle": None,
            "retries": 0,
            "exit_code": None,
            "cause": "",
        }
        self._sums = dict.fromkeys(SUMS, 0)
        self._costs = Costs()
        self._is_warm = False

    def start(self, **facts: Any) -> None:
        """Write that a driver has started, with these facts about the job.

        The last batch remains that of the driver before, until this one has a batch. So do the
        costs of batches: a scheduled job has few of them in one run.
        """
        before = self._before()
        self._costs = read_costs(before)
        self._facts |= facts | {"started": format_now(), "batch": before.get("batch")}
        self._write()

    def batch(self, facts: Mapping[str, Any]) -> None:
        """Note the facts of a batch (see batch.py), and write them if the last write is old."""
        for name in SUMS:
            self._sums[name] += facts[name] or 0
        # The first batch of a driver waits until Java has compiled its code.
        if self._is_warm and facts["input_rows"]:
            self._costs = self._costs.add(facts["input_rows"], facts["duration_ms"] / 1000)
        self._is_warm = True
        self._facts |= {"batch": {**facts, "at": format_now()}, "idle": None}
        self.alive()

    def idle(self) -> None:
        """Note that a trigger found nothing new: the source has no backlog."""
        self._facts["idle"] = format_now()

    def alive(self) -> None:
        """Write that the driver runs, if the last write is old."""
        if time.monotonic() > self._written + EVERY_SECONDS:
            self._write()

    def retry(self, cause: str) -> None:
        """Write that the query failed and starts again."""
        self._facts |= {"retries": self._facts["retries"] + 1, "cause": cause}
        self._write()

    def end(self, exit_code: int, cause: str = "") -> None:
        """Write how the driver ended."""
        self._facts |= {"exit_code": exit_code, "cause": cause}
        self._write()

    def _before(self) -> dict[str, Any]:
        """Return what the driver before has written, nothing if the file is missing or damaged."""
        with suppress(*STORAGE_ERRORS, CheckpointError):
            return read_status(self._root)
        return {}

    def _write(self) -> None:
        self._written = time.monotonic()
        facts = {**self._facts, "sums": self._sums, "costs": asdict(self._costs)}
        text = json.dumps({**facts, "at": format_now()}, indent=2)
        with self._tolerance.report():
            self._root.write(FILE, text)


def read_status(root: Storage) -> dict[str, Any]:
    """Return what a driver has written last, nothing before the first one.

    Raises:
        CheckpointError: the file is damaged.
    """
    return read_json(root, FILE, dict, "Remove that file: the driver writes it again.") or {}


def read_costs(facts: Mapping[str, Any]) -> Costs:
    """Return the costs of batches in a status file; none if another version wrote it."""
    with suppress(AttributeError, TypeError, ValueError):
        return Costs(**{name: float(value) for name, value in facts.get("costs", {}).items()})
    return Costs()


def format_now() -> str:
    """Return the present time, as the job's JSON has it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
