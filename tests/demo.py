"""The default project of `make demo`: `python -m tests.demo FOLDER` generates it.

The module needs only cookiecutter. An existing project does not change if each of its generated
files is what the template generates now. Otherwise the old project is renamed, and the new one
takes over its environment and its jars.
"""

import itertools
import shutil
import sys
from pathlib import Path

from cookiecutter.main import cookiecutter

ROOT = Path(__file__).parent.parent
EXPENSIVE = (".venv", ".jars")
"""Folders that a project creates itself, and that a new project reuses."""
LISTS = ("pyproject.toml", "jars.lock")
"""The files that say what is in these folders."""


def main(folder):
    """Generate the project into the folder; return the project's path."""
    fresh = folder / "fresh"
    shutil.rmtree(fresh, ignore_errors=True)
    options = {"no_input": True, "default_config": True, "output_dir": str(fresh)}
    made = Path(cookiecutter(str(ROOT), **options))
    project = folder / made.name
    if not is_current(project, made):
        _replace(project, made)
    shutil.rmtree(fresh)
    return project


def is_current(project, made):
    """Return whether the project has each generated file, with the same bytes."""
    files = (path.relative_to(made) for path in made.rglob("*") if path.is_file())
    return all(_has_same_bytes(project / file, made / file) for file in files)


def _has_same_bytes(one, other):
    return one.is_file() and one.read_bytes() == other.read_bytes()


def _replace(project, made):
    kept = None
    if project.exists():
        numbers = itertools.count(1)
        names = (project.with_name(f"{project.name}.{number}") for number in numbers)
        kept = next(name for name in names if not name.exists())
        project.rename(kept)
        sys.stderr.write(f"{project} is not what the template generates now: kept as {kept}\n")
    made.rename(project)
    for name in EXPENSIVE if kept else ():
        if (kept / name).exists():
            (kept / name).rename(project / name)
    for name in LISTS if kept else ():
        if _has_same_bytes(kept / name, project / name):
            # With the old time stamp, make does not install the same packages again.
            shutil.copystat(kept / name, project / name)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
