"""Spark's own checkpoint: which batches it has, and their offsets."""

import json
import re

from .errors import CheckpointError
from .storage import Storage, read_json

STREAM = "stream"
"""The folder of Spark's checkpoint in the checkpoint's root."""
SOURCE_LOGS = "sources"
"""In Spark's checkpoint, the folder with a log for each source, numbered from 0."""
COMPACT = ".compact"
FACTS = 2
"""The lines at the begin of a log of offsets; the offset of each source follows."""
NOT_BEGUN = "-"
"""The offset of a source from which no batch has read."""


def query_id(root: Storage) -> str:
    """Return Spark's id of the query, empty before its first start.

    Raises:
        CheckpointError: the file with it is damaged.
    """
    advice = "Restore the folder checkpoint.root from a backup."
    return read_json(root, f"{STREAM}/metadata", lambda facts: str(facts["id"]), advice) or ""


def committed(root: Storage) -> int | None:
    """Return the last batch that Spark committed, None before the first."""
    return max(logged(root, f"{STREAM}/commits"), default=None)


def planned(root: Storage) -> int | None:
    """Return the last batch with offsets; one beyond `committed` is replayed."""
    return max(logged(root, f"{STREAM}/offsets"), default=None)


def describe_due(root: Storage) -> str:
    """Return which batch is planned and not committed, as a sentence; empty if none is."""
    due = planned(root)
    if due == committed(root):
        return ""
    return f"Spark has not committed batch {due}: the next start runs it again."


def logged(root: Storage, log: str) -> set[int]:
    """Return the batches that one of Spark's logs has; Spark removes old ones."""
    return {int(name) for name in root.names(log) if name.isdigit()}


def watermark(root: Storage, batch: int) -> int:
    """Return the watermark of a batch, in milliseconds since 1970; 0 before the first batch.

    Spark drops an event as late by the watermark of the batch before.
    """
    text = root.read(f"{STREAM}/offsets/{batch}")
    return int(json.loads(text.splitlines()[1])["batchWatermarkMs"]) if text else 0


def offsets(root: Storage, batch: int) -> list[str]:
    """Return the offset of each source after a batch; nothing if the log does not have it."""
    text = root.read(f"{STREAM}/offsets/{batch}") or ""
    return text.splitlines()[FACTS:]


def list_files(root: Storage, source: int, after: int, last: int | None = None) -> list[str]:
    """Return the files that batches read, as URIs with one slash after the scheme of a local one.

    Spark logs the files of a batch before it plans the batch.

    Args:
        root: the checkpoint's root.
        source: the number of a source that logs its files.
        after: the last batch before these.
        last: the last one of these; by default all that Spark has logged.

    Raises:
        CheckpointError: the log is damaged.
    """
    if after >= 0 and not offsets(root, after):
        return []
    folder = f"{STREAM}/{SOURCE_LOGS}/{source}"
    names = set(root.names(folder))
    compacted = {int(name.removesuffix(COMPACT)) for name in names if name.endswith(COMPACT)}
    begin = _log_offset(root, source, after) + 1
    newest = max({int(name) for name in names if name.isdigit()} | compacted, default=-1)
    end = newest if last is None else _log_offset(root, source, last)
    numbers = range(begin, end + 1)
    single = {f"{number}" for number in numbers} & names
    # Spark merges the files of this log, and deletes the single ones later.
    others = (number for number in numbers if f"{number}" not in single)
    merged = {min((n for n in compacted if n >= number), default=-1) for number in others}
    logs = single | {f"{number}{COMPACT}" for number in merged} & names
    read = {
        to_one_slash(path)
        for name in sorted(logs)
        for path, number in _entries(root, f"{SOURCE_LOGS}/{source}/{name}")
        if number in numbers
    }
    return sorted(read)


def _entries(root: Storage, name: str) -> list[tuple[str, int]]:
    """Return the files in a log of a source, each with its number in the log."""
    text = root.read(f"{STREAM}/{name}")
    if text is None:
        return []  # merged and deleted meanwhile
    try:
        _, *entries = text.splitlines()
        found = map(json.loads, entries)
        return [(str(entry["path"]), int(entry["batchId"])) for entry in found]
    except (ValueError, TypeError, LookupError):
        raise _damage(name, "is truncated") from None


def to_one_slash(file: str) -> str:
    """Return the URI of a file as in the column `origin`."""
    return re.sub("^file:/+", "file:/", file)


def _log_offset(root: Storage, source: int, batch: int) -> int:
    """Return the number in the log of a source of files up to which a batch reads, -1 if none."""
    ends = offsets(root, batch)
    end = json.loads(ends[source]) if source < len(ends) and ends[source] != NOT_BEGUN else None
    number = end.get("logOffset") if isinstance(end, dict) else None
    return number if isinstance(number, int) else -1


def require_whole(root: Storage, last: int | None, due: int | None) -> None:
    """Require that the files are whole from which the next start continues.

    `last` is the committed batch and `due` the planned one.

    Spark writes each in one step, so only a failed disk, a full one or an incomplete copy damages
    one. Before Spark 4.2, a query without its id would write batches again that the target has.

    Raises:
        CheckpointError: one of them is missing or truncated.
    """
    numbers = {number for number in (due, last) if number is not None}
    names = [f"offsets/{number}" for number in sorted(numbers)]
    names += [f"commits/{last}"] if last is not None else []
    names += ["metadata"] if names else []
    for name in names:
        text = root.read(f"{STREAM}/{name}")
        if text is None or not _is_whole(text):
            raise _damage(name, "is missing" if text is None else "is truncated")


def _damage(name: str, problem: str) -> CheckpointError:
    message = (
        f"The checkpoint is damaged: {STREAM}/{name} {problem}. Restore checkpoint and target from "
        "copies of the same moment, or set checkpoint.root and the sink's target to new places and "
        "start there from the beginning of the source."
    )
    return CheckpointError(message)


def _is_whole(text: str) -> bool:
    """Return whether a file of Spark has its end: after the version, each line is JSON.

    The continuous trigger leaves a line empty.
    """
    lines = text.splitlines()
    if lines and re.fullmatch(r"v\d+", lines[0]):
        del lines[0]
    try:
        return bool([json.loads(line) for line in lines if line not in ("", NOT_BEGUN)])
    except ValueError:
        return False
