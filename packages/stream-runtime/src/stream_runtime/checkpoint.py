"""The checkpoint of a job: its place, and the lock that keeps a second driver out.

Its root holds Spark's own checkpoint (`stream/`, see spark_log.py), the manifest (manifest.py), the
progress and the checkpoint of the quarantine (quarantine.py), the lock, the lease (lease.py), and
the marker that drains the job (lifecycle.py).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import ValidationInfo, field_validator

from .config import Duration, Location, Table, is_local
from .errors import CheckpointError
from .places import has_folder
from .spark_log import STREAM

LOCK = "lock"
"""The file that a driver locks, in the root of a local checkpoint."""
LOCK_SECONDS = 1
"""The command `status` takes the lock for a moment, to see whether a driver has it."""
VOLUMES = "/Volumes/"
"""The path under which Databricks shows cloud storage as a disk."""


class Checkpoint(Table):
    """The table `[checkpoint]` in conf/*.toml."""

    shared_mount: bool = False
    """Whether a local `root` is a folder that outlives the machine, such as a mounted NFS export.

    It then may be used in production. You promise that every machine that can run the driver or
    an executor has it at the same path. The lock does not work on every mount: there, the lease
    keeps a second driver out.
    """
    root: Location
    lease: Duration = "30 seconds"
    """The time without a sign of life after which another driver may take over (see lease.py)."""

    @field_validator("root")
    @classmethod
    def _durable(cls, root: str, info: ValidationInfo) -> str:
        if not has_folder(root):
            message = "it is the root of a file system: name a folder for this job"
            raise ValueError(message)
        environment = (info.context or {}).get("environment")
        durable = root.startswith(VOLUMES) or not is_local(root) or info.data.get("shared_mount")
        if environment == "prod" and not durable:
            message = (
                "a checkpoint in prod must outlive its machine: set a durable file system. If all "
                "machines mount this folder, set checkpoint.shared_mount to true"
            )
            raise ValueError(message)
        return root

    @property
    def stream(self) -> str:
        """The location of Spark's own checkpoint."""
        return f"{self.root}/{STREAM}"


@contextmanager
def sole_driver(root: str) -> Iterator[None]:
    """Lock a local checkpoint for this process.

    Spark notices a second driver only after both have written (`CONCURRENT_STREAM_LOG_UPDATE`).

    Raises:
        CheckpointError: another process has the lock.
    """
    lock = FileLock(_lock_file(root), timeout=LOCK_SECONDS)
    Path(lock.lock_file).parent.mkdir(parents=True, exist_ok=True)
    try:
        lock.acquire()
    except Timeout:
        message = f"Another process runs on {root}. Stop it first (`make stop`)."
        raise CheckpointError(message) from None
    try:
        yield
    finally:
        lock.release()


def is_locked(root: str) -> bool:
    """Return whether a driver runs on a local checkpoint."""
    lock = _lock_file(root)
    if not lock.exists():
        return False
    try:
        with FileLock(lock, timeout=0):
            return False
    except Timeout:
        return True


def _lock_file(root: str) -> Path:
    return Path(root.removeprefix("file:")) / LOCK
