"""The rules of validation: one batch has the same ones in the result and in quarantine.

A batch whose driver dies can be in the result and not yet in quarantine. The next start then
validates its records again: with other rules, a record could be in neither of the two, or in both.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict

from pydantic import TypeAdapter

from .config import to_timedelta
from .errors import CheckpointError
from .job import Job
from .manifest import differences
from .quarantine import list_due
from .settings import RuntimeSettings
from .spark_log import committed, planned
from .storage import Storage, read_json, write_json

FILE = "rules.json"
"""The file in the checkpoint's root with the rules of the last start."""
Rules = dict[str, str]
"""Named facts; equal facts find the same records valid."""
STORED = TypeAdapter(Rules)
IN_RESULT = (
    "Batch {} is in the result, but its invalid records are not in quarantine yet: the last run "
    "ended in between. With other rules, a record could be in neither of the two, or in both. "
    "Start the previous release once and stop it"
)
PLANNED = (
    "Batch {} is planned and has not ended: the last run ended in it. With another selection, its "
    "other records would be silently skipped. Let the previous release run until it has read all "
    "records, and stop it"
)
ADVICE = (
    "Restore that file from a backup, or remove it if the rules of validation are those of the "
    "last start."
)


def describe_rules(job: Job, settings: RuntimeSettings) -> Rules:
    """Return what decides whether a record is an event: event schemas and `[events]`."""
    return dict(_facts(job, settings))


def _facts(job: Job, settings: RuntimeSettings) -> Iterator[tuple[str, str]]:
    for number, schema in enumerate(job.inputs, start=1):
        where = f" of input {number}" if len(job.inputs) > 1 else ""
        yield from ((f"column {name}{where}", kind) for name, kind in schema.columns.items())
        roles = asdict(schema)
        for name in ("columns", "counts"):
            del roles[name]
        yield from ((f"{name}{where}", json.dumps(role)) for name, role in roles.items())
    # How many invalid records a report contains changes none of them.
    events = settings.events.model_dump(mode="json", exclude={"reported"}, exclude_none=True)
    events["max_ahead"] = to_timedelta(settings.events.max_ahead)
    yield from ((f"events.{name}", str(value)) for name, value in events.items())
    # Without it, a batch replay leaves out the late events of its batch.
    yield "quarantine.late", str(settings.quarantine.late)
    yield from _selections(settings).items()


def _selections(settings: RuntimeSettings) -> Rules:
    """Return the settings of the sources with which a planned batch has the same records."""
    sources = settings.sources()
    return {f"{one.NAME}.{key}": str(getattr(one, key)) for one in sources for key in one.RULES}


def check_rules(job: Job, settings: RuntimeSettings, root: Storage, held: int | None) -> None:
    """Require the rules of the last start if one of its batches is not complete.

    Args:
        job: the job.
        settings: its settings.
        root: the checkpoint's root.
        held: the last batch that the target has, None if the sink cannot tell.

    Raises:
        CheckpointError: the rules are others; or a file of the checkpoint is damaged.
    """
    before = read_json(root, FILE, STORED.validate_python, ADVICE)
    # A second reading that lags behind is not bound to a batch.
    if not before or not job.replays_batches(settings):
        return
    if changes := differences(before, describe_rules(job, settings)):
        if due := list_due(root, held):
            raise _refusal(changes, IN_RESULT.format(due[0]))
        now = _selections(settings)
        planned_batch = planned(root)
        is_open = planned_batch != committed(root)
        if is_open and differences({name: before.get(name, "") for name in now}, now):
            raise _refusal(changes, PLANNED.format(planned_batch))


def _refusal(changes: list[str], reason: str) -> CheckpointError:
    lines = "\n  ".join(changes)
    message = (
        f"The rules of validation have changed:\n  {lines}\n{reason} "
        "(docs/runbook.md, 'Stop and start'), then start this one. To accept the difference for "
        f"that batch, remove {FILE} from checkpoint.root."
    )
    return CheckpointError(message)


def record_rules(job: Job, settings: RuntimeSettings, root: Storage) -> None:
    """Store the rules of this start, once quarantine has the batches of earlier ones."""
    write_json(root, FILE, describe_rules(job, settings))
