"""The hooks into cookiecutter's rendering: validation first, then only the files of the answers.

Cookiecutter renders, each as a Jinja template without a name: every answer, the name of the
project's folder, the path of each folder and file, and the hooks. That order lets the template
refuse before anything is on disk, skip files, and compare an existing project.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from functools import cached_property, partial
from pathlib import Path
from typing import Any, ClassVar, Protocol

from .asking import ask, has_person, introduction
from .axes import QUESTIONS
from .commandline import makes_project, skips_existing
from .ddl import MARKUP
from .existing import compare, existing_violations
from .files import VERBATIM, files_in, generates, library, placed
from .literals import python_literal, toml_literal, width
from .names import proposed_slug
from .ownership import Owner, list_owners
from .plan import plan, record
from .refusal import Retry, refusal, retry, told
from .roles import default_roles
from .summary import summary
from .updates import half_update

ANSWERS = (*QUESTIONS, "__package")
TOP = "{{cookiecutter.project_slug}}"
# Cookiecutter joins the project's folder and a path in the template's with this between them.
INSIDE = f"{os.sep}.{os.sep}"


@dataclass
class Bake:
    """One run of cookiecutter, from the name of the project's folder to the last hook.

    Attributes:
        answers: the complete ones, with cookiecutter's private variables.
        start: the user's working directory.
        project: the folder of the project, set before the first file in it is written.
        kept: existing files that the user asked to keep.
        made: folders that did not exist before.
    """

    answers: Mapping[str, Any] = field(default_factory=dict)
    start: Path | None = None
    project: Path | None = None
    kept: set[str] = field(default_factory=set)
    made: list[str] = field(default_factory=list)


class Environment(Protocol):
    """The used part of Jinja's environment."""

    loader: Any
    filters: dict[str, Callable[..., Any]]

    def get_template(self, name: str) -> Any:  # noqa: ANN401 - Jinja's own type
        """Return the template of a file."""


class Rendering:
    """The filters and the preprocessor of one environment; `refuse` creates its exceptions."""

    bake: ClassVar[Bake] = Bake()
    """The current bake; each hook has its own environment, in the same process."""

    def __init__(
        self,
        environment: Environment,
        template: Path,
        argv: Sequence[str],
        refuse: Callable[[str], Exception],
    ) -> None:
        """Add the template's filters to the environment."""
        self._environment = environment
        self._template = template
        self._argv = argv
        self._made = refuse
        environment.filters |= {
            "stream_introduction": self.introduce,
            "stream_check": self.check,
            "stream_begin": self.begin,
            "stream_bake": self.baked,
            "stream_plan": plan,
            "stream_owners": self.owners,
            "stream_roles": default_roles,
            "stream_record": record,
            "stream_slug": proposed_slug,
            "stream_quoted": python_literal,
            "stream_toml": toml_literal,
            "stream_width": width,
        }

    def introduce(self, _: Mapping[str, Any]) -> str:
        """Print what the first question needs; return an empty text."""
        _say(introduction(self._argv))
        return ""

    def check(self, answers: dict[str, Any], *, final: bool = False) -> str:
        """Return an empty text if the answers are legal.

        `final` means that no question follows. Otherwise the last answer is replaced if a person
        can answer its question again; in all other cases illegal answers raise a refusal.
        """
        problem = half_update(answers, self._argv)
        if problem:
            raise self._refuse(told([problem]))
        while text := self._refusal(answers, final=final):
            again = None if final or not has_person() else self._retry(answers)
            if again is None:
                raise self._refuse(text)
            _say(again.text)
            answers[again.question] = ask(again, self._questions["__prompts__"])
        return ""

    def begin(self, answers: dict[str, Any]) -> str:
        """Validate the complete answers, and start the record of this bake."""
        self.check(answers, final=True)
        Rendering.bake = Bake(answers, Path.cwd())
        return ""

    def file(self, path: str, source: str) -> str:
        """Return the template text of a file of the template."""
        if any(fnmatch(path, pattern) for pattern in VERBATIM):
            return f"{{% raw %}}{source}{{% endraw %}}"
        return source

    def text(self, source: str) -> str:
        """Return the template text of a text without a file name.

        The name of the project's folder is the first text that cookiecutter renders from complete
        answers, for every way to pass them. It also renders answers of a command line, a replay
        or a .cruft.json; none of them may contain template code.
        """
        if source == TOP:
            return "{{ cookiecutter | stream_begin }}" + source
        if self._environment.loader:
            # Files have a loader; answers and hooks have none.
            return self._path(source)
        if MARKUP.search(source) and source not in self._own_texts:
            plain = (
                f"An answer must not contain template markup: {source!r}\nWrite it as plain text."
            )
            raise self._refuse(self._refusal({}, final=True) or plain)
        return source

    def _refuse(self, text: str) -> Exception:
        return self._made(_showable(text))

    def _refusal(self, answers: Mapping[str, Any], *, final: bool) -> str:
        return refusal(_public(answers), self._argv, python=sys.orig_argv[0], final=final)

    def _retry(self, answers: Mapping[str, Any]) -> Retry | None:
        return retry(_public(answers), self._argv, python=sys.orig_argv[0])

    def _path(self, source: str) -> str:
        """Return the path of a folder or file to write, empty for a file of other answers."""
        project, inside, folder = source.partition(INSIDE)
        if inside:
            if self.bake.project is None:
                self._open(Path(project))
            if not Path(project, placed(folder, self.bake.answers)).exists():
                self.bake.made.append(placed(folder, self.bake.answers))
            return source
        return source if generates(Path(source).as_posix(), self.bake.answers) else ""

    def _open(self, project: Path) -> None:
        """Raise a refusal if the bake would change existing files of the project."""
        self.bake.project = project
        texts = {placed(path, self.bake.answers): partial(self._text, path) for path in self._files}
        copies = {path: partial(_copied, source) for path, source in self._library.items()}
        found = compare(project, texts | copies)
        skips = skips_existing(self._argv)
        answers = record(self.bake.answers)["answers"]
        problems = list(existing_violations(project, found, answers, skips=skips))
        if problems:
            raise self._refuse(told(problems))
        self.bake.kept.update(found.different if skips else ())

    def _text(self, path: str) -> str:
        template = self._environment.get_template(path)
        return str(template.render(cookiecutter=self.bake.answers))

    def owners(self, _: Mapping[str, Any]) -> list[Owner]:
        """Return who owns the files of this bake."""
        return list_owners([*self._files, *self._library])

    @cached_property
    def _files(self) -> list[str]:
        """The files of the template that this bake writes."""
        everything = files_in(self._template / TOP)
        return [path for path in everything if generates(path, self.bake.answers)]

    @cached_property
    def _library(self) -> dict[str, Path]:
        """The files of the libraries: path in the project, and the file to copy."""
        return library(self._template)

    def baked(self, answers: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the post-generation hook needs.

        The keys are `copies` (path in the project to the file to copy), `files` that were rendered
        and `folders` that were made, `record`, `start` and `summary`, which is empty if cruft only
        compares versions.
        """
        rendered = [placed(path, answers) for path in self._files]
        kept = self.bake.kept
        return {
            "copies": {
                path: str(source) for path, source in self._library.items() if path not in kept
            },
            "files": [path for path in rendered if path not in kept],
            "folders": self.bake.made,
            "record": record(answers),
            "start": str(self.bake.start or ""),
            "summary": summary(answers) if makes_project(self._argv) else "",
        }

    @cached_property
    def _questions(self) -> dict[str, Any]:
        """The content of cookiecutter.json."""
        return dict(json.loads((self._template / "cookiecutter.json").read_text("utf-8")))

    @cached_property
    def _own_texts(self) -> set[str]:
        """The texts that the template itself renders before its files."""
        hooks = (path for path in (self._template / "hooks").iterdir() if path.is_file())
        return {*_strings(self._questions), *(hook.read_text("utf-8") for hook in hooks)}


def _public(answers: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answers that somebody can give, in the order of the questions."""
    return {question: answers[question] for question in ANSWERS if question in answers}


def _say(text: str) -> None:
    if text:
        print(_showable(text), flush=True)


def _copied(source: Path) -> str:
    return source.read_text("utf-8")


def _showable(text: str) -> str:
    """Return the text with escapes for characters that the terminal cannot show."""
    encoding = sys.stdout.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def _strings(value: Any) -> Iterator[str]:  # noqa: ANN401 - whatever JSON holds
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _strings(inner)
