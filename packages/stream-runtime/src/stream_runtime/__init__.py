"""The runtime library of streaming jobs; a pipeline declares the interface that it uses."""

import sys
from pathlib import Path

__version__ = "0.1.0"

INTERFACE = 3
"""The version of the interface between pipeline and runtime."""
RUNTIME = Path(__file__).parent
CONFIGURATION = 2
"""The exit code of ConfigError: errors.py is not imported yet."""


def require_interface(number: int, file: str) -> None:
    """End the program with one message if the runtime has another interface.

    The `__init__.py` of a pipeline calls it before any other import, which would fail with a
    message that is harder to understand.

    Args:
        number: the interface that the pipeline is written for.
        file: the `__file__` of the caller.

    Raises:
        SystemExit: with the exit code of a configuration error, without a traceback.
    """
    if problem := _mismatch(number, Path(file).parent):
        print(f"WRONG  interface: {problem}", file=sys.stderr)
        raise SystemExit(CONFIGURATION)


def _mismatch(number: int, pipeline: Path) -> str:
    """Return what an update left incomplete and what to do; empty if the interfaces match."""
    rejected = [str(path) for folder in (pipeline, RUNTIME) for path in folder.rglob("*.rej")]
    if rejected:
        return (
            "an update could not apply all its changes; the rest is in "
            f"{', '.join(sorted(rejected))}. Make these changes by hand, and delete the files."
        )
    if number == INTERFACE:
        return ""
    return f"""{RUNTIME} has interface {INTERFACE}, {pipeline} is written for {number}.
An update changed one of the two without the other. To update both:
  1. Revert the update:
     git add -A
     git commit -m "Half an update"
     git revert --no-edit $(git log -1 --format=%h -- .cruft.json)
  2. Delete the table [tool.cruft] and its comment from pyproject.toml if they are there. Commit.
  3. Run cruft update, resolve the conflicts that git status shows, then run make check test."""
