"""Refusal of updates that would leave an inconsistent project."""

import json
import tomllib
from collections.abc import Callable, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from .axes import Answers
from .commandline import read
from .problems import Violation

TOGETHER = ("conf", "dev", "jars.lock", "lib", "pyproject.toml", "src", "tests")
"""Files that fit together only if they come from one version of the template."""


def half_update(answers: Answers, argv: Sequence[str]) -> Violation | None:
    """Return a violation if this `cruft update` cannot update the whole project.

    The working directory is the user's only while the answers are validated; otherwise the project
    is not found, and there is no violation.
    """
    line = read(argv)
    if not line.updates:
        return None
    folder = line.project
    record = _parsed(folder / ".cruft.json", json.loads)
    skipped = _skipped(_parsed(folder / "pyproject.toml", tomllib.loads), record)
    if skipped:
        return _left_out(" and ".join(skipped))
    old = record.get("context", {}).get("cookiecutter", {}).get("project_slug")
    new = answers.get("project_slug", old)
    if old in {None, new}:
        return None
    rest = {key: value for key, value in line.given.items() if key != "project_slug"}
    return _renamed(old, new, line.again(rest))


def _left_out(skipped: str) -> Violation:
    return Violation(
        "half-update",
        "form",
        f"cruft skips {skipped}",
        "The update would combine a new runtime with an old pipeline, and the job would not start.",
        f"""Nothing was changed. Let the update change these files; it keeps your own changes.
    1. If the project was updated before, revert those updates, the newest first, except those for
       which you have updated {skipped} yourself:
       git log --oneline -- .cruft.json lists them above the first commit;
       git revert --no-edit COMMIT reverts one.
    2. Delete the table [tool.cruft] and its comment from pyproject.toml (files that you do not
       want updated, such as README.md, may stay in it), and `skip` from .cruft.json. Commit.
    3. Run the same command again; git status shows where both changed the same lines.""",
    )


def _renamed(old: str, new: str, command: str) -> Violation:
    return Violation(
        "slug-stays",
        "form",
        f"project_slug={new}, the project is {old}",
        "The slug names the package, the job and its tables. An update cannot move your own files "
        "to another package, nor tables to another job.",
        "Create a new project with cruft create, and copy your changes to it. "
        f"Or continue without the new slug:\n\n    {command}",
    )


def _parsed(path: Path, parse: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    try:
        return parse(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}


def _skipped(project: dict[str, Any], record: dict[str, Any]) -> list[str]:
    tables = project.get("tool", {}).get("cruft", {}), record
    paths = [path for table in tables for path in table.get("skip", [])]
    return [path for path in paths if any(fnmatch(part, _first(path)) for part in TOGETHER)]


def _first(path: str) -> str:
    return path.removeprefix("./").partition("/")[0]
