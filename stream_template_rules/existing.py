"""The comparison of an existing project folder with the files of a bake."""

import json
import os
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .axes import Answers
from .commandline import HOME, may_exist, output_folder
from .names import numbered_slugs
from .problems import Violation

SHOWN_FILES = 5
FOLDER_EXISTS = "folder-exists"
Texts = Mapping[str, Callable[[], str]]
"""The files of a bake: path in the project, and a function that renders its text."""


@dataclass(frozen=True)
class Existing:
    """The contents of an existing folder.

    Attributes:
        answers: the recorded answers, None if there is no project of this template.
        different: files whose content differs from that of the bake.
        empty: the empty ones among them; an interrupted bake leaves such a file.
        blocked: what prevents writing a file: a folder that has the name of a file, a file that
            has that of a folder, or a symbolic link that leads elsewhere.
    """

    answers: Mapping[str, Any] | None
    different: Sequence[str]
    empty: Sequence[str]
    blocked: Sequence[str]


def compare(project: Path, texts: Texts) -> Existing:
    """Compare a folder with the files of a bake; only files that exist are rendered."""
    obstacles = {path: _obstacle(project, project / path) for path in texts}
    blocked = list(dict.fromkeys(filter(None, obstacles.values())))
    there = [path for path in texts if not obstacles[path] and (project / path).exists()]
    different = [path for path in there if _read(project / path) != texts[path]()]
    empty = [path for path in different if not (project / path).stat().st_size]
    return Existing(_recorded(project), different, empty, blocked)


def _obstacle(project: Path, target: Path) -> str | None:
    """Return the path in the project that prevents writing a file, None if nothing does."""
    if target.is_file():
        return None
    folders = (folder for folder in reversed(target.parents) if project in folder.parents)
    wrong = (folder for folder in folders if folder.is_symlink() or not folder.is_dir())
    found = next((path for path in (*wrong, target) if os.path.lexists(path)), None)
    return None if found is None else found.relative_to(project).as_posix()


def _read(path: Path) -> str | None:
    """Return the text of a file with normalized line ends, None if it is not text."""
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def _recorded(project: Path) -> Mapping[str, Any] | None:
    try:
        text = (project / "pyproject.toml").read_text("utf-8")
        return dict(tomllib.loads(text)["tool"]["stream-template"]["answers"])
    except (OSError, KeyError, TypeError, ValueError):
        return None


def existing_violations(
    project: Path, found: Existing, answers: Mapping[str, Any], *, skips: bool
) -> Iterator[Violation]:
    """Yield a violation for each reason not to write into the folder.

    Args:
        project: the folder.
        found: its contents.
        answers: the answers of the bake.
        skips: whether cookiecutter keeps existing files.
    """
    name, before = project.name, found.answers
    changed = {q: answers[q] for q in answers if before is not None and before.get(q) != answers[q]}
    update = "cruft update"
    if not (project / ".cruft.json").is_file():
        update = f"cruft link {HOME} and then {update}"
    if before is not None and changed:
        were = ", ".join(f"{question}={before.get(question)}" for question in changed)
        yield Violation(
            "other-project",
            "form",
            name,
            f"The project in this folder was generated with other answers: {were}.",
            "Nothing was written. For a second project, choose another project_slug or output "
            f"folder. To change this one, run in it: {update} --variables-to-update "
            f"'{json.dumps(changed)}'",
        )
        return
    if found.blocked:
        yield Violation(
            "folder-blocked",
            "form",
            name,
            f"An existing file, folder or link prevents writing: {_some(found.blocked)}.",
            "Nothing was written. Move it to another place, then run the same command again.",
        )
    taken = [path for path in found.different if path not in found.empty]
    if taken and not skips:
        newer = "" if before is None else f" To update the project: {update}."
        yield Violation(
            "folder-taken",
            "form",
            name,
            f"These files exist with other content: {_some(taken)}.",
            "Nothing was written. Move these files to another place, or keep them and write only "
            f"the missing files with --skip-if-file-exists.{newer}",
        )


def taken_folder(answers: Answers, argv: Sequence[str]) -> list[Violation]:
    """Return a violation if cookiecutter cannot write into the folder, because its name exists."""
    parent, slug = output_folder(argv), answers.get("project_slug")
    if parent is None or slug is None or not os.path.lexists(parent / slug):
        return []
    project = parent / slug
    if project.is_dir() and may_exist(argv):
        return []
    free = next(name for name in numbered_slugs(slug) if not os.path.lexists(parent / name))
    reason = f"{project} already exists, and is no folder."
    other = "Or move it to another place."
    if project.is_dir():
        what = "" if _recorded(project) is None else ", with a project of this template"
        reason = f"The folder {project} already exists{what}."
        other = (
            "To write the missing files into this folder, add --overwrite-if-exists, and "
            "--skip-if-file-exists if it has files with the names of the project's: no existing "
            "file changes."
        )
    fix = f"Choose another slug, such as {free}. {other}"
    clash = f"project_slug={slug}"
    return [Violation(FOLDER_EXISTS, "form", clash, reason, fix, "project_slug", free)]


def _some(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - SHOWN_FILES} more" if len(paths) > SHOWN_FILES else ""
    return ", ".join(paths[:SHOWN_FILES]) + more
