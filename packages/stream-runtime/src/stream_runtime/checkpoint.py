"""The checkpoint of a job, and the contract under which a start may use it.

Under `checkpoint.root` lie Spark's own checkpoint (`stream/`), the contract, the marks of the
quarantine, the lock and the marker that drains the job.
"""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import ValidationInfo, field_validator

from .config import Location, Table, is_local
from .errors import CheckpointError
from .fingerprint import Fingerprint
from .storage import Storage

STREAM = "stream"
VOLUMES = "/Volumes/"
"""Where Databricks shows cloud storage as if it were a disk."""
CONTRACT = "contract.json"
MIGRATION = (
    "Go back to what it was, or migrate: set checkpoint.root and the sink's target to new places, "
    "start there from the beginning of the source, and switch the readers over "
    "(docs/runbook.md, 'A change that needs a new checkpoint')."
)


class Checkpoint(Table):
    """The table `[checkpoint]` in conf/*.toml."""

    root: Location

    @field_validator("root")
    @classmethod
    def _durable(cls, root: str, info: ValidationInfo) -> str:
        context = info.context or {}
        durable = root.startswith(VOLUMES) or not is_local(root)
        if context.get("environment") == "prod" and not durable:
            message = "a checkpoint in prod must outlive its machine: name a durable file system"
            raise ValueError(message)
        return root

    @property
    def stream(self) -> str:
        """Spark's own checkpoint."""
        return f"{self.root}/{STREAM}"


@dataclass(frozen=True)
class Contract:
    """What was true at the first start: the epoch names this run of offsets and batch numbers."""

    epoch: str
    fingerprint: Fingerprint


def contract(root: Storage) -> Contract | None:
    """The contract of an earlier start, None where there was none."""
    text = root.read(CONTRACT)
    return Contract(**json.loads(text)) if text else None


def admit(root: Storage, current: Fingerprint, owner: str | None) -> Contract:
    """The contract under which this code may use this checkpoint, made at the first start.

    `owner` is the epoch whose result the sink's target holds, None where there is no target.

    Raises:
        CheckpointError: checkpoint, code and target do not belong together.
    """
    found = matching_contract(root, current, owner)
    if found:
        return found
    made = Contract(epoch=uuid.uuid4().hex[:12], fingerprint=current)
    root.write(CONTRACT, json.dumps(asdict(made), indent=2))
    return made


def matching_contract(root: Storage, current: Fingerprint, owner: str | None) -> Contract | None:
    """The contract, None before the first start; nothing is written.

    Raises:
        CheckpointError: checkpoint, code and target do not belong together.
    """
    found = contract(root)
    if found is None and root.names(f"{STREAM}/offsets"):
        message = (
            f"The checkpoint has batches but no {CONTRACT}, so nothing says which query they are "
            f"of. Restore that file from a backup. {MIGRATION}"
        )
        raise CheckpointError(message)
    if found and (changes := differences(found.fingerprint, current)):
        lines = "\n  ".join(changes)
        message = f"This checkpoint was made by another query:\n  {lines}\n{MIGRATION}"
        raise CheckpointError(message)
    if owner and owner != (found and found.epoch):
        mine = f"is of epoch {found.epoch}" if found else "is new"
        message = (
            f"The sink's target holds the result of epoch {owner}, but this checkpoint {mine}: "
            "starting would add all rows again. Restore the checkpoint of that result, or name a "
            "new place for the sink."
        )
        raise CheckpointError(message)
    return found


def differences(before: Fingerprint, now: Fingerprint) -> list[str]:
    """One line for each fact that is not as it was."""
    names = sorted(before.keys() | now.keys())
    return [
        f"{name}: {before.get(name, 'none')} -> {now.get(name, 'none')}"
        for name in names
        if before.get(name) != now.get(name)
    ]


def committed(root: Storage) -> int | None:
    """The last batch that Spark committed, None before the first."""
    return max(logged(root, f"{STREAM}/commits"), default=None)


def planned(root: Storage) -> int | None:
    """The last batch whose offsets are written; beyond `committed` it will be replayed."""
    return max(logged(root, f"{STREAM}/offsets"), default=None)


def logged(root: Storage, log: str) -> set[int]:
    """The batches that one of Spark's logs knows; it forgets old ones."""
    return {int(name) for name in root.names(log) if name.isdigit()}


def offsets(root: Storage, batch: int) -> list[str]:
    """Where each source stood after a batch; nothing before the first, and of forgotten ones."""
    text = root.read(f"{STREAM}/offsets/{batch}") or ""
    return text.splitlines()[2:]


@contextmanager
def sole_driver(root: str) -> Iterator[None]:
    """Hold the checkpoint for this process; elsewhere than on a disk the platform must.

    Spark notices a second driver only after both have written (`CONCURRENT_STREAM_LOG_UPDATE`).

    Raises:
        CheckpointError: another process holds it.
    """
    if not is_local(root):
        yield
        return
    folder = Path(root.removeprefix("file:"))
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / "lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        message = f"Another process runs on {root}. Stop it first (`make stop`)."
        raise CheckpointError(message) from None
    try:
        yield
    finally:
        lock.release()
