"""Generate the default project for `make demo`: `python -m tests.demo FOLDER`.

Needs cookiecutter only. A project that is there already stays as it is, if each of its generated
files is what the template generates now. Otherwise the old one is kept beside the new one, which
takes over its environment and its jars.
"""

import itertools
import shutil
import sys
from pathlib import Path

from cookiecutter.main import cookiecutter

ROOT = Path(__file__).parent.parent
EXPENSIVE = (".venv", ".jars")
"""What a project sets up for itself, and what no file of the template changes."""


def main(folder):
    """Generate the project into the folder; return where it is."""
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
    """Whether each file that was made is in the project as well, byte for byte."""
    files = (path.relative_to(made) for path in made.rglob("*") if path.is_file())
    return all(_same(project / file, made / file) for file in files)


def _same(one, other):
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
    if kept and _same(kept / "pyproject.toml", project / "pyproject.toml"):
        # The same packages: nothing is to be installed again.
        shutil.copystat(kept / "pyproject.toml", project / "pyproject.toml")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
