"""Updates that would leave half a project; they are refused before they change anything."""

import argparse
import json
import tomllib
from collections.abc import Callable, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from .axes import Answers
from .commandline import CRUFT_ANSWERS, read

TOGETHER = ("conf", "dev", "pyproject.toml", "src", "tests")
"""What only fits together when it comes from one version of the template."""

_SKIPPED = """
cruft leaves out {skipped} (`skip` in pyproject.toml or .cruft.json).
The update would bring a new runtime to an old pipeline, and the job would not start.

  1. Was this project updated before? `git log --oneline -- .cruft.json` lists the updates above
     its first commit. Take back each whose changes you did not make in {skipped}
     by hand, the newest first: git revert --no-edit COMMIT
  2. Delete the table [tool.cruft] and its comment from pyproject.toml. What you do not want
     updated besides, such as README.md, may stay in it. Commit.
  3. Run the same command again. It keeps your changes, and git status shows the conflicts.
"""
_RENAMED = """
project_slug={new} names the package and the job, and an update cannot rename them:
files of your own would stay in the package of {old}, and the job's tables belong to {old}.

Make a new project with `cruft create` and copy your changes into it, or go on with:

    {command}
"""


def half_update(answers: Answers, argv: Sequence[str]) -> str:
    """Return why this `cruft update` cannot work, and what to do; empty if it can."""
    line = read(argv)
    if line.flag != CRUFT_ANSWERS["update"]:
        return ""
    folder = _project(line.words)
    record = _parsed(folder / ".cruft.json", json.loads)
    skipped = _skipped(_parsed(folder / "pyproject.toml", tomllib.loads), record)
    if skipped:
        return _SKIPPED.format(skipped=" and ".join(skipped))
    old = record.get("context", {}).get("cookiecutter", {}).get("project_slug")
    new = answers.get("project_slug", old)
    if old and new != old:
        kept = {key: value for key, value in line.given.items() if key != "project_slug"}
        return _RENAMED.format(new=new, old=old, command=line.again(kept))
    return ""


def _project(words: Sequence[str]) -> Path:
    options = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    options.add_argument("-p", "--project-dir", default=".")
    return Path(options.parse_known_args(words)[0].project_dir)


def _parsed(path: Path, parse: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    try:
        return parse(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}


def _skipped(project: dict[str, Any], record: dict[str, Any]) -> list[str]:
    tables = project.get("tool", {}).get("cruft", {}), record
    paths = [path for table in tables for path in table.get("skip", [])]
    return [path for path in paths if any(fnmatch(room, _first(path)) for room in TOGETHER)]


def _first(path: str) -> str:
    return path.removeprefix("./").partition("/")[0]
