"""The command `status`: what the driver of a job last wrote to `status.json` in its checkpoint.

It needs no query, no metrics server and no access to the source.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from .batch import NO_WATERMARK
from .causes import to_printable
from .checkpoint import is_locked
from .job import Job
from .lease import is_held
from .settings import RuntimeSettings
from .spark_log import committed
from .status_file import read_status
from .storage import Storage, storage


def show(job: Job, settings: RuntimeSettings, *, as_json: bool) -> int:
    """Print the status of the job on the checkpoint of these settings; return the exit code 0."""
    root = storage(settings.checkpoint.root)
    found = read_status(root)
    runs = is_running(settings, root)
    facts = {"job": job.name, "checkpoint": settings.checkpoint.root, "running": runs, **found}
    if as_json:
        print(json.dumps(facts, indent=2))
        return 0
    interval = find_interval(settings)
    trigger = f"every {interval}" if interval else job.trigger
    for name, value in describe(facts, trigger, committed(root)):
        print(to_printable(f"{name:12}{value}"))
    return 0


def is_running(settings: RuntimeSettings, root: Storage) -> bool:
    """Return whether a driver runs: its lock or, where no lock works, its lease shows it."""
    place = settings.checkpoint
    if not settings.has_lock:
        return is_held(root)
    with suppress(PermissionError):
        # A lock on a mount may not reach other machines.
        return is_locked(place.root) or (place.shared_mount and is_held(root))
    return is_held(root)


def find_interval(settings: RuntimeSettings) -> str | None:
    """Return the interval of the trigger, None for a scheduled job."""
    interval: str | None = getattr(getattr(settings, "trigger", None), "interval", None)
    return interval


def describe(facts: Mapping[str, Any], trigger: str, last: int | None) -> Iterator[tuple[str, str]]:
    """Yield the status for people, as pairs of a name and a text.

    Args:
        facts: those of the status file, with `job`, `checkpoint` and `running`.
        trigger: the trigger of the job, for people.
        last: the last batch that Spark has committed.
    """
    yield "job", f"{facts['job']}, on {facts['checkpoint']}"
    yield "driver", _driver(facts)
    yield "committed", "no batch" if last is None else f"up to batch {last}"
    batch, sums = facts.get("batch"), facts.get("sums", {})
    # Without one, the job keeps no state and drops no late event.
    has_watermark = bool(batch and batch["watermark"])
    if batch:
        rows, took = batch["input_rows"], batch["duration_ms"]
        done = f"{rows:,} records in {took:,} ms (trigger: {trigger})"
        yield "last batch", f"{batch['batch_id']}, {_ago(batch['at'])}: {done}"
        yield "backlog", _backlog(facts, batch)
        if has_watermark:
            yield "watermark", _watermark(batch["watermark"])
            yield "state", f"{batch['state_rows']:,} rows, {batch['state_bytes'] / 1e6:,.1f} MB"
    if sums:
        # Spark does not report the invalid records of a continuous query.
        counted = batch is None or batch["invalid_rows"] is not None
        invalid = f"{sums['invalid_rows']:,} invalid" if counted else "quarantine has invalid ones"
        yield "records", f"{sums['input_rows']:,} read by this driver, {invalid}"
        if has_watermark:
            yield "late", _late(sums)
        yield (
            "retries",
            f"{facts['retries']}" + (f", last: {facts['cause']}" * bool(facts["cause"])),
        )


def _driver(facts: Mapping[str, Any]) -> str:
    started = facts.get("started")
    if facts["running"]:
        return f"runs since {started[:19]}Z" if started else "is starting"
    if not started:
        return "has never run on this checkpoint"
    if facts["exit_code"] is None:
        return f"does not run: it was killed, {_ago(facts['at'])} or later"
    return f"does not run: it ended with exit code {facts['exit_code']}, {_ago(facts['at'])}"


def _backlog(facts: Mapping[str, Any], batch: Mapping[str, Any]) -> str:
    if idle := facts.get("idle"):
        return f"none, {_ago(idle)}: a trigger found nothing new"
    if batch["backlog_rows"] is not None:
        return f"{batch['backlog_rows']:,} records in the fullest partition"
    if batch["backlog_files"] is not None:
        return f"{batch['backlog_files']:,} files"
    return "unknown until a trigger finds nothing new: the source does not report it"


def _late(sums: Mapping[str, int]) -> str:
    """Return the number of late events; of their groups, if the job does not count the events."""
    events, groups = sums.get("late_events", 0), sums["late_groups_dropped"]
    return f"{events:,} events dropped" if events or not groups else f"{groups:,} groups dropped"


def _watermark(watermark: str) -> str:
    if watermark == NO_WATERMARK:
        return "none yet: it follows the first batch with an event"
    return f"{watermark[:19]}Z"


def _age(time_of: str) -> float:
    return (datetime.now(UTC) - datetime.fromisoformat(time_of)).total_seconds()


def _ago(time_of: str) -> str:
    seconds = max(0, round(_age(time_of)))
    if seconds < 120:  # noqa: PLR2004 - two minutes
        return f"{seconds} s ago"
    if seconds < 7200:  # noqa: PLR2004 - two hours
        return f"{seconds // 60} min ago"
    return f"{seconds // 3600} h ago"
