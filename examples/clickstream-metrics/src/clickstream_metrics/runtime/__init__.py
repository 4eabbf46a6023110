"""What every stream needs around it: the template owns these modules and updates them."""

import sys
from pathlib import Path

INTERFACE = 1
"""The number of what pipeline and runtime use of each other; the pipeline states its own."""
RUNTIME = Path(__file__).parent
CONFIGURATION = 2
"""The exit code of ConfigError: errors.py is not imported yet."""


def _mismatch() -> str:
    """What an update has left of one side only, and what to do; empty where both fit."""
    package = sys.modules[__name__.rpartition(".")[0]]
    stated = getattr(package, "INTERFACE", "no interface number")
    rejected = sorted(str(path) for path in RUNTIME.parent.rglob("*.rej"))
    if rejected:
        return (
            f"an update could not bring all its changes; the rest is in {', '.join(rejected)}. "
            "Make these changes by hand, and delete the files."
        )
    if stated == INTERFACE:
        return ""
    return f"""{RUNTIME} has interface {INTERFACE}, the modules beside it state {stated}.
An update brought one of the two without the other. To bring both:
  1. Take the update back:
     git add -A
     git commit -m "Half an update"
     git revert --no-edit $(git log -1 --format=%h -- .cruft.json)
  2. Delete the table [tool.cruft] and its comment from pyproject.toml if they are there. Commit.
  3. Run cruft update, resolve the conflicts that git status shows, then run make check test."""


if problem := _mismatch():
    # Before any other import, which would fail with less to go by; without a traceback.
    print(f"WRONG  interface: {problem}", file=sys.stderr)
    raise SystemExit(CONFIGURATION)
