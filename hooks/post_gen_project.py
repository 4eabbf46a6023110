"""Copy the libraries, check all rendered files, and print the next commands."""

import ast
import contextlib
import json
import os
import re
import shlex
import shutil
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

BAKE = r"""{{ cookiecutter | stream_bake | tojson }}"""
READERS: dict[str, Callable[[str], object]] = {
    ".py": ast.parse,
    ".toml": tomllib.loads,
    ".yml": lambda text: list(yaml.safe_load_all(text)),
    ".yaml": lambda text: list(yaml.safe_load_all(text)),
    ".json": json.loads,
}
# Written without the markup itself, which would be rendered here.
MARKUP = re.compile(
    r"[{]{2}-?\s*(cookiecutter|job)\b|[{]%-?\s*(if|elif|else|endif|for|endfor|set|include)\b"
)


def copy(project: Path, copies: dict[str, str]) -> None:
    """Copy files byte for byte: path in the project to the file to copy."""
    for name, source in copies.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, project / name)


def remove_empty(project: Path, folders: list[str]) -> None:
    """Remove empty folders that this bake created."""
    for folder in sorted(folders, reverse=True):
        with contextlib.suppress(OSError):
            (project / folder).rmdir()


def problems(project: Path, files: list[str], record: object) -> Iterator[str]:
    """Yield the problems of the files that this bake wrote."""
    for name in files:
        yield from _file_problems(project / name, name)
    recorded = _recorded(project / "pyproject.toml")
    if "pyproject.toml" in files and recorded != record:
        yield f"pyproject.toml records {recorded}, but the answers were {record}"


def _file_problems(path: Path, name: str) -> Iterator[str]:
    if MARKUP.search(name):
        yield f"{name}: the name holds template markup"
    try:
        text = path.read_text("utf-8")
        READERS.get(path.suffix, str)(text)
    except (OSError, SyntaxError, ValueError, yaml.YAMLError) as error:
        yield f"{name}: cannot be read: {error}"
        return
    leftover = MARKUP.search(text)
    if leftover:
        yield f"{name}: template markup is left: {leftover[0]}"


def _recorded(path: Path) -> object:
    try:
        recorded = tomllib.loads(path.read_text("utf-8"))["tool"]["stream-template"]
        return {name: recorded[name] for name in ("version", "answers")}
    except (OSError, KeyError, ValueError):
        return None


def next_folder(project: Path, start: str) -> str:
    """Return the argument of `cd` from the user's working directory."""
    # A path with `..` would be wrong if the working directory is a symbolic link.
    inside = start and project.is_relative_to(start)
    return shlex.quote(os.path.relpath(project, start) if inside else str(project))


def main() -> int:
    """Check the project in the working directory; return 1 if the template has an error."""
    # A terminal that cannot show a character must not cause a failure.
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    project, bake = Path.cwd(), json.loads(BAKE)
    copy(project, bake["copies"])
    remove_empty(project, bake["folders"])
    found = list(problems(project, bake["files"], bake["record"]))
    if found:
        text = "\n".join(f"  {line}" for line in found)
        sys.stderr.write(f"The template has an error; please report it:\n{text}\n")
        return 1
    if bake["summary"]:
        sys.stdout.write(_report(bake, next_folder(project, bake["start"])))
    return 0


def _report(bake: dict[str, Any], folder: str) -> str:
    return f"\n{bake['summary']}\n\nNext:\n\n    cd {folder} && make demo\n    make test\n\n"


if __name__ == "__main__":
    sys.exit(main())
