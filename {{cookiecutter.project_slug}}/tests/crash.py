"""What a crash leaves behind, made without one."""

from pathlib import Path


def forget_commit(checkpoint: Path) -> None:
    """Leave what a driver leaves that dies between the sink's commit and Spark's own."""
    commits = checkpoint / "commits"
    last = max(int(path.name) for path in commits.iterdir() if path.name.isdigit())
    (commits / f"{last}").unlink()
    # With a stale checksum Spark would take the rewritten file for another driver's.
    (commits / f".{last}.crc").unlink()
