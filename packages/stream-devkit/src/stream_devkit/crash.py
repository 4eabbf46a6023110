"""Functions that put a checkpoint into the state that a crash leaves."""

import json
from pathlib import Path


def forget_commit(checkpoint: Path) -> None:
    """Delete Spark's last commit, as if the driver died between the sink's commit and Spark's."""
    commits = checkpoint / "commits"
    last = max(int(path.name) for path in commits.iterdir() if path.name.isdigit())
    (commits / f"{last}").unlink()
    # With a stale checksum Spark would take the rewritten file for that of another driver.
    (commits / f".{last}.crc").unlink(missing_ok=True)


def go_back(checkpoint: Path, batches: int) -> None:
    """Delete Spark's newest batches, as in a copy of the checkpoint from before them."""
    for log in ("offsets", "commits"):
        numbers = sorted(int(path.name) for path in (checkpoint / log).glob("[0-9]*"))
        for number in numbers[-batches:]:
            (checkpoint / log / f"{number}").unlink()
            # A batch that was interrupted at its start has none.
            (checkpoint / log / f".{number}.crc").unlink(missing_ok=True)


def forget_quarantine_write(root: Path, batch: int) -> None:
    """Delete a quarantine write, as if the driver died after the batch and before it."""
    (root / "quarantine.json").write_text(json.dumps({"last_batch": batch - 1}), "utf-8")
    for path in (root / "quarantine" / "commits").glob(f"*{batch}*"):
        path.unlink()
