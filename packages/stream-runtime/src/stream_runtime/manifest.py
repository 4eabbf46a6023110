"""The checkpoint manifest: the file that says which query and which target a checkpoint is for."""

import json
import uuid
from dataclasses import asdict, dataclass

from .errors import CheckpointError
from .fingerprint import Fingerprint
from .spark_log import STREAM
from .storage import Storage, read_json

MANIFEST = "manifest.json"
START_OVER = (
    "On your own machine, `make clean` starts over, without checkpoint, result and servers' data."
)
NEW_PLACES = (
    "set checkpoint.root and the sink's target to new places and start there from the beginning of "
    f"the source. {START_OVER}"
)
"""What to do if checkpoint, source and target no longer belong together."""
MIGRATION = (
    "Go back to what it was, or migrate: set checkpoint.root and the sink's target to new places, "
    "start there from the beginning of the source, and switch the readers over "
    f"(docs/runbook.md, 'A change that needs a new checkpoint'). {START_OVER}"
)


@dataclass(frozen=True)
class Manifest:
    """What the first start on a checkpoint records."""

    checkpoint_id: str
    """Names the offsets and batch ids of this checkpoint; its target stores it as well."""
    fingerprint: Fingerprint
    start_options: dict[str, str] | None = None
    """The start options at that start; None in a checkpoint of a runtime that recorded none."""


def read_manifest(root: Storage) -> Manifest | None:
    """Return the manifest of the first start, None before it.

    Raises:
        CheckpointError: it is damaged.
    """
    advice = f"Restore that file from a backup. {MIGRATION}"
    return read_json(root, MANIFEST, lambda facts: Manifest(**facts), advice)


def admit(
    root: Storage,
    current: Fingerprint,
    target_id: str | None,
    start_options: dict[str, str] | None = None,
) -> Manifest:
    """Return the manifest that lets this query use the checkpoint; write it at the first start.

    Args:
        root: the checkpoint's root.
        current: the fingerprint of the query as it is now.
        target_id: the target's checkpoint id, None without a target.
        start_options: the start options as they are now (see start_options.py).

    Raises:
        CheckpointError: checkpoint, query and target do not belong together.
    """
    if found := find_manifest(root, current, target_id):
        return found
    manifest = Manifest(uuid.uuid4().hex[:12], current, start_options)
    root.write(MANIFEST, json.dumps(asdict(manifest), indent=2))
    return manifest


def find_manifest(root: Storage, current: Fingerprint, target_id: str | None) -> Manifest | None:
    """Return the manifest, None before the first start; write nothing.

    Raises:
        CheckpointError: checkpoint, query and target do not belong together.
    """
    found = read_manifest(root)
    if found is None and root.names(f"{STREAM}/offsets"):
        message = (
            f"The checkpoint has batches but no {MANIFEST}, so it is unknown which query they are "
            "of. If the checkpoint was moved, set checkpoint.root to its new place; a file beside "
            f"the old one may name that. Otherwise restore {MANIFEST} from a backup. {MIGRATION}"
        )
        raise CheckpointError(message)
    if found and (changes := differences(found.fingerprint, current)):
        lines = "\n  ".join(changes)
        message = f"This checkpoint was made by another query:\n  {lines}\n{MIGRATION}"
        raise CheckpointError(message)
    if target_id and target_id != (found and found.checkpoint_id):
        mine = f"has the id {found.checkpoint_id}" if found else "is new"
        message = (
            f"The sink's target holds the result of checkpoint id {target_id}, but this checkpoint "
            f"{mine}: starting would add all rows again. Restore the checkpoint of that result, or "
            f"set a new target for the sink. {START_OVER}"
        )
        raise CheckpointError(message)
    return found


def differences(before: Fingerprint, now: Fingerprint) -> list[str]:
    """Describe each fact that differs, a line each."""
    names = sorted(before.keys() | now.keys())
    return [
        f"{name}: {before.get(name, 'none')} -> {now.get(name, 'none')}"
        for name in names
        if before.get(name) != now.get(name)
    ]
