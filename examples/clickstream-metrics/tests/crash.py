"""What a crash leaves behind, made without one."""

import json
from pathlib import Path


def forget_commit(checkpoint: Path) -> None:
    """Leave what a driver leaves that dies between the sink's commit and Spark's own."""
    commits = checkpoint / "commits"
    last = max(int(path.name) for path in commits.iterdir() if path.name.isdigit())
    (commits / f"{last}").unlink()
    # With a stale checksum Spark would take the rewritten file for another driver's.
    (commits / f".{last}.crc").unlink()


def forget_quarantine_write(root: Path, batch: int) -> None:
    """Leave what a driver leaves that dies between the sink's commit of a batch and Spark's.

    What came after the batch is gone, and its invalid records are not in quarantine.
    """
    for log in ("offsets", "commits"):
        for path in (root / "stream" / log).iterdir():
            number = path.name.strip(".").partition(".")[0]
            if number.isdigit() and int(number) >= batch + (log == "offsets"):
                path.unlink()
    (root / "quarantine.json").write_text(json.dumps({"last_batch": batch - 1}), "utf-8")
    for path in (root / "quarantine" / "commits").glob(f"*{batch}*"):
        path.unlink()
