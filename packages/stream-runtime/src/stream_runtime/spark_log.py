"""Spark's own checkpoint: which batches it has, and their offsets."""

import json

from .storage import Storage

STREAM = "stream"
"""The folder of Spark's checkpoint in the checkpoint's root."""
NOT_BEGUN = "-"
"""The offset of a source from which no batch has read."""


def query_id(root: Storage) -> str:
    """Return Spark's id of the query, empty before its first start."""
    text = root.read(f"{STREAM}/metadata")
    return str(json.loads(text)["id"]) if text else ""


def committed(root: Storage) -> int | None:
    """Return the last batch that Spark committed, None before the first."""
    return max(logged(root, f"{STREAM}/commits"), default=None)


def planned(root: Storage) -> int | None:
    """Return the last batch with offsets; one beyond `committed` is replayed."""
    return max(logged(root, f"{STREAM}/offsets"), default=None)


def logged(root: Storage, log: str) -> set[int]:
    """Return the batches that one of Spark's logs has; Spark removes old ones."""
    return {int(name) for name in root.names(log) if name.isdigit()}


def offsets(root: Storage, batch: int) -> list[str]:
    """Return the offset of each source after a batch; nothing if the log does not have it."""
    text = root.read(f"{STREAM}/offsets/{batch}") or ""
    return text.splitlines()[2:]
