"""What happens while cookiecutter renders the template: checks first, then only the right files.

Cookiecutter renders, each as a Jinja template without a name: every answer, the name of the
project's folder, the path of each folder and file, and the hooks. That order lets the template
refuse before anything is on disk, skip files, and compare a project that is there already.
"""

import json
import os
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Protocol

from .axes import QUESTIONS
from .commandline import HOME, makes_project, skips_existing
from .files import VERBATIM, files_in, generates, placed
from .plan import plan, record
from .problems import Violation
from .refusal import refusal, told
from .roles import default_roles
from .summary import summary

ANSWERS = (*QUESTIONS, "__package")
TOP = "{{cookiecutter.project_slug}}"
MARKUP = re.compile(r"\{[{%#]")
# Cookiecutter joins the project's folder and a path in the template's with this between them.
INSIDE = f"{os.sep}.{os.sep}"
SHOWN_FILES = 5


@dataclass
class Bake:
    """One run of cookiecutter, from the name of the project's folder to the last hook.

    Attributes:
        answers: the complete ones, with cookiecutter's private variables.
        start: the user's working directory.
        project: the folder of the project, once something is about to be made in it.
        kept: files that are there already and stay, as the user asks for.
        made: folders that were not there before.
    """

    answers: Mapping[str, Any] = field(default_factory=dict)
    start: Path | None = None
    project: Path | None = None
    kept: set[str] = field(default_factory=set)
    made: list[str] = field(default_factory=list)


class Environment(Protocol):
    """What is needed of Jinja's environment."""

    loader: Any
    filters: dict[str, Callable[..., Any]]

    def get_template(self, name: str) -> Any:  # noqa: ANN401 - Jinja's own type
        """Return the template of a file."""


class Rendering:
    """The filters and the preprocessor of one environment; `refuse` makes what it raises."""

    bake: ClassVar[Bake] = Bake()
    """The present one: each hook has an environment of its own, in the same process."""

    def __init__(
        self,
        environment: Environment,
        template: Path,
        argv: Sequence[str],
        refuse: Callable[[str], Exception],
    ) -> None:
        """Give the environment the template's filters."""
        self._environment = environment
        self._template = template
        self._argv = argv
        self._refuse = refuse
        environment.filters |= {
            "stream_check": self.check,
            "stream_begin": self.begin,
            "stream_bake": self.baked,
            "stream_plan": plan,
            "stream_roles": default_roles,
            "stream_record": record,
        }

    def check(self, answers: Mapping[str, Any]) -> str:
        """Refuse wrong answers; render to nothing."""
        text = refusal({q: answers[q] for q in ANSWERS if q in answers}, self._argv)
        if text:
            raise self._refuse(text)
        return ""

    def begin(self, answers: Mapping[str, Any]) -> str:
        """Check the complete answers, and begin to note what this bake does."""
        self.check(answers)
        Rendering.bake = Bake(answers, Path.cwd())
        return ""

    def file(self, path: str, source: str) -> str:
        """Return what to render in place of a file of the template."""
        if any(fnmatch(path, pattern) for pattern in VERBATIM):
            return f"{{% raw %}}{source}{{% endraw %}}"
        return source

    def text(self, source: str) -> str:
        """Return what to render in place of a text that has no name.

        The name of the project's folder is the first thing that cookiecutter renders from
        complete answers, whatever way they came. Answers of a command line, a replay or a
        .cruft.json are rendered as well; none of them may bring template code along.
        """
        if source == TOP:
            return "{{ cookiecutter | stream_begin }}" + source
        if self._environment.loader:
            # Files have a loader; neither answers nor hooks have one.
            return self._path(source)
        if MARKUP.search(source) and source not in self._own_texts:
            plain = f"Template markup is no answer: {source!r}\nGive it as plain text."
            raise self._refuse(refusal({}, self._argv) or plain)
        return source

    def _path(self, source: str) -> str:
        """Return the path of a folder or file to make, empty for a file of other answers."""
        project, inside, folder = source.partition(INSIDE)
        if inside:
            if self.bake.project is None:
                self._open(Path(project))
            if not Path(project, placed(folder, self.bake.answers)).exists():
                self.bake.made.append(placed(folder, self.bake.answers))
            return source
        return source if generates(Path(source).as_posix(), self.bake.answers) else ""

    def _open(self, project: Path) -> None:
        """Compare what is in the project's folder with what would be written there."""
        self.bake.project = project
        problem = _made_with_other_answers(
            project, record(self.bake.answers)["answers"]
        ) or self._overwrites(project)
        if problem:
            raise self._refuse(told([problem]))

    def _overwrites(self, project: Path) -> Violation | None:
        different = [path for path in self._files if self._differs(project, path)]
        if skips_existing(self._argv):
            self.bake.kept.update(placed(path, self.bake.answers) for path in different)
            return None
        return _overwritten(project, [placed(path, self.bake.answers) for path in different])

    def _differs(self, project: Path, path: str) -> bool:
        target = project / placed(path, self.bake.answers)
        if any(parent.is_symlink() or parent.is_file() for parent in _between(project, target)):
            return not target.is_file() or self._content(path) != _read(target)
        if not os.path.lexists(target):
            return False
        return not target.is_file() or self._content(path) != _read(target)

    def _content(self, path: str) -> str:
        template = self._environment.get_template(path)
        return str(template.render(cookiecutter=self.bake.answers))

    @cached_property
    def _files(self) -> list[str]:
        """The files of the template that this bake writes."""
        return [
            path for path in files_in(self._template / TOP) if generates(path, self.bake.answers)
        ]

    def baked(self, answers: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the hook after generation needs: what was written, and what to say.

        The keys are `files`, `folders` that were made, `record`, `start` and `summary`, which is
        empty where nobody should read it.
        """
        written = [placed(path, answers) for path in self._files]
        return {
            "files": [path for path in written if path not in self.bake.kept],
            "folders": self.bake.made,
            "record": record(answers),
            "start": str(self.bake.start or ""),
            "summary": summary(answers) if makes_project(self._argv) else "",
        }

    @cached_property
    def _own_texts(self) -> set[str]:
        """All that the template itself has rendered before its files."""
        questions = json.loads((self._template / "cookiecutter.json").read_text("utf-8"))
        hooks = (path for path in (self._template / "hooks").iterdir() if path.is_file())
        return {*_strings(questions), *(hook.read_text("utf-8") for hook in hooks)}


def _strings(value: Any) -> Iterator[str]:  # noqa: ANN401 - whatever JSON holds
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _strings(inner)


def _between(project: Path, target: Path) -> Iterator[Path]:
    """Yield the folders from the target's up to the project's, without the project's own."""
    yield from (parent for parent in target.parents if project in parent.parents)


def _read(path: Path) -> str:
    """Return a text with the line ends of the template; what is no text differs from any."""
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return "\0"


def _made_with_other_answers(project: Path, new: Mapping[str, Any]) -> Violation | None:
    """Return the refusal of a folder whose project records other answers."""
    try:
        file = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))
        recorded: Mapping[str, Any] = file["tool"]["stream-template"]["answers"]
    except (OSError, KeyError, TypeError, ValueError):
        return None
    changed = {
        question: new[question] for question in new if recorded.get(question) != new[question]
    }
    if not changed:
        return None
    before = ", ".join(f"{question}={recorded.get(question)}" for question in changed)
    link = "" if (project / ".cruft.json").is_file() else f"cruft link {HOME} and then "
    return Violation(
        "other-project",
        "form",
        project.name,
        f"The project in this folder was made with other answers: {before}.",
        "Nothing was written. For a second project, choose another project_slug or output folder. "
        f"To change this one, run in it: {link}cruft update --variables-to-update "
        f"'{json.dumps(changed)}'",
    )


def _overwritten(project: Path, paths: Sequence[str]) -> Violation | None:
    """Return the refusal to overwrite files, if there are any."""
    if not paths:
        return None
    shown = ", ".join(paths[:SHOWN_FILES])
    more = f" and {len(paths) - SHOWN_FILES} more" if len(paths) > SHOWN_FILES else ""
    return Violation(
        "folder-taken",
        "form",
        project.name,
        f"These files are there with other content: {shown}{more}.",
        "Nothing was written. Move them away to have them written, or keep them and write only "
        "what is missing with --skip-if-file-exists.",
    )
