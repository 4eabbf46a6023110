"""What happens while cookiecutter renders the template: checks first, then only the right files.

Cookiecutter renders, each as a Jinja template without a name: every answer, the name of the
project's folder, the path of each folder and file, and the hooks. That order lets the template
refuse before anything is on disk, skip files, and compare a project that is there already.
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

from .axes import QUESTIONS
from .commandline import makes_project, skips_existing
from .ddl import MARKUP
from .existing import compare, existing_violations
from .files import VERBATIM, files_in, generates, placed
from .literals import python_literal, toml_literal, width
from .names import proposed_slug
from .plan import plan, record
from .refusal import refusal, told
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
        self._made = refuse
        environment.filters |= {
            "stream_check": self.check,
            "stream_begin": self.begin,
            "stream_bake": self.baked,
            "stream_plan": plan,
            "stream_roles": default_roles,
            "stream_record": record,
            "stream_slug": proposed_slug,
            "stream_quoted": python_literal,
            "stream_toml": toml_literal,
            "stream_width": width,
        }

    def check(self, answers: Mapping[str, Any], *, final: bool = False) -> str:
        """Refuse wrong answers; render to nothing. `final` means that no question follows."""
        problem = half_update(answers, self._argv)
        if problem:
            raise self._refuse(told([problem]))
        text = self._refusal({q: answers[q] for q in ANSWERS if q in answers}, final=final)
        if text:
            raise self._refuse(text)
        return ""

    def begin(self, answers: Mapping[str, Any]) -> str:
        """Check the complete answers, and begin to note what this bake does."""
        self.check(answers, final=True)
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
            raise self._refuse(self._refusal({}, final=True) or plain)
        return source

    def _refuse(self, text: str) -> Exception:
        return self._made(_showable(text))

    def _refusal(self, answers: Mapping[str, Any], *, final: bool) -> str:
        return refusal(answers, self._argv, python=sys.orig_argv[0], final=final)

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
        """Refuse to write into the project's folder where that would change what is there."""
        self.bake.project = project
        texts = {placed(path, self.bake.answers): partial(self._text, path) for path in self._files}
        found = compare(project, texts)
        skips = skips_existing(self._argv)
        answers = record(self.bake.answers)["answers"]
        problems = list(existing_violations(project, found, answers, skips=skips))
        if problems:
            raise self._refuse(told(problems))
        self.bake.kept.update(found.different if skips else ())

    def _text(self, path: str) -> str:
        template = self._environment.get_template(path)
        return str(template.render(cookiecutter=self.bake.answers))

    @cached_property
    def _files(self) -> list[str]:
        """The files of the template that this bake writes."""
        everything = files_in(self._template / TOP)
        return [path for path in everything if generates(path, self.bake.answers)]

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


def _showable(text: str) -> str:
    """Return the text with escapes for letters that the terminal cannot show."""
    encoding = sys.stdout.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def _strings(value: Any) -> Iterator[str]:  # noqa: ANN401 - whatever JSON holds
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _strings(inner)
