"""The rules of validation: one batch has the same ones in the result and in quarantine.

A batch whose driver dies can be in the result and not yet in quarantine. The next start then
validates its records again: with other rules, a record could be in neither of the two, or in both.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict

from pydantic import TypeAdapter

from .errors import CheckpointError
from .job import Job
from .manifest import differences
from .quarantine import read_last_batch
from .settings import RuntimeSettings
from .spark_log import committed
from .storage import Storage, read_json

FILE = "rules.json"
"""The file in the checkpoint's root with the rules of the last start."""
Rules = dict[str, str]
"""Named facts; equal facts find the same records valid."""
STORED = TypeAdapter(Rules)
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
    events = settings.events.model_dump(mode="json", exclude={"reported"})
    yield from ((f"events.{name}", str(value)) for name, value in events.items())


def check_rules(job: Job, settings: RuntimeSettings, root: Storage, held: int | None) -> None:
    """Require the rules of the last start if a batch of it is not in quarantine yet.

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
    last = max(batch for batch in (held, committed(root), -1) if batch is not None)
    changes = differences(before, describe_rules(job, settings))
    if changes and last > read_last_batch(root):
        lines = "\n  ".join(changes)
        message = (
            f"The rules of validation have changed:\n  {lines}\nBatch {last} is in the result, but "
            "its invalid records are not in quarantine yet: the last run ended in between. With "
            "other rules, a record could be in neither of the two, or in both. Start the previous "
            "release once and stop it (docs/runbook.md, 'Stop and start'), then start this one. "
            f"To accept the difference for that batch, remove {FILE} from checkpoint.root."
        )
        raise CheckpointError(message)


def record_rules(job: Job, settings: RuntimeSettings, root: Storage) -> None:
    """Store the rules of this start, once quarantine has the batches of earlier ones."""
    rules = json.dumps(describe_rules(job, settings), indent=2)
    if root.read(FILE) != rules:
        root.write(FILE, rules)
