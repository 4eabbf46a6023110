"""Compares the finished project with the choices, and says how to go on."""

import ast
import json
import os
import re
import shutil
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import yaml

CHOICES = r"""{{ cookiecutter | stream_record | tojson }}"""
READERS: dict[str, Callable[[str], object]] = {
    ".py": ast.parse,
    ".toml": tomllib.loads,
    ".yml": lambda text: list(yaml.safe_load_all(text)),
    ".yaml": lambda text: list(yaml.safe_load_all(text)),
    ".json": json.loads,
}
# Written without the signs themselves, which would be rendered here.
MARKUP = re.compile(
    r"[{]{2}-?\s*(cookiecutter|job)\b|[{]%-?\s*(if|elif|else|endif|for|endfor|set|include)\b"
)


def sweep(project: Path) -> None:
    """Remove compiled files of a local template, and folders whose files were all left out."""
    for folder in [path for path in project.rglob("__pycache__") if path.is_dir()]:
        shutil.rmtree(folder)
    for folder in sorted(project.rglob("*"), reverse=True):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def problems(project: Path, choices: object) -> Iterator[str]:
    """Yield what is wrong with the finished project."""
    for path in sorted(project.rglob("*")):
        if path.is_file():
            yield from _file_problems(path, path.relative_to(project).as_posix())
    recorded = _recorded(project / "pyproject.toml")
    if recorded != choices:
        yield f"pyproject.toml records {recorded}, but the choices were {choices}"


def _file_problems(path: Path, name: str) -> Iterator[str]:
    if MARKUP.search(name):
        yield f"{name}: the name holds template markup"
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError:
        return
    leftover = MARKUP.search(text)
    if leftover:
        yield f"{name}: template markup is left: {leftover[0]}"
    try:
        READERS.get(path.suffix, str)(text)
    except (SyntaxError, ValueError, yaml.YAMLError) as error:
        yield f"{name}: cannot be read: {error}"


def _recorded(path: Path) -> object:
    try:
        recorded = tomllib.loads(path.read_text("utf-8"))["tool"]["stream-template"]
        return {name: recorded[name] for name in ("version", "answers")}
    except (OSError, KeyError, ValueError):
        return None


def main() -> int:
    """Check the project in the working directory; 1 if the template made a mistake."""
    project = Path.cwd()
    sweep(project)
    found = list(problems(project, json.loads(CHOICES)))
    if found:
        text = "\n".join(f"  {line}" for line in found)
        sys.stderr.write(f"The template made a mistake, please report it:\n{text}\n")
        return 1
    # The folder as the user's shell sees it, who may have given another output directory.
    folder = os.path.relpath(project, os.environ.get("PWD", project.parent))
    sys.stdout.write(f"\nNext:\n\n    cd {folder} && make demo\n    make test\n\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
