"""`python -m stream_devkit.in_use FOLDER`: the exit code is 5 if a process uses the folder.

A job and a server lock a file beside their data. The module uses only the standard library,
because `make clean` works without an installation.
"""

import fcntl
import sys
from collections.abc import Iterator
from pathlib import Path

from .preflight import ENVIRONMENT_PROBLEM

LOCKS = ("lock", "*.lock")
"""The names of the files that a job and a server lock."""


def find_locks(folder: Path) -> Iterator[Path]:
    """Yield the files in a folder that a running process has locked."""
    for path in (path for name in LOCKS for path in folder.rglob(name)):
        with path.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                yield path


def main() -> int:
    """Print what is in use; return the exit code."""
    found = sorted(find_locks(Path(sys.argv[1])))
    for path in found:
        sys.stderr.write(f"A job or a server runs and has locked {path}. End it first.\n")
    return ENVIRONMENT_PROBLEM if found else 0


if __name__ == "__main__":
    sys.exit(main())
