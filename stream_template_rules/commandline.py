"""The command line that requested the project, and its repetition with other answers."""

import itertools
import json
import re
import shlex
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from .axes import QUESTIONS
from .problems import Violation, nearest_name

HOME = "gh:org/stream-template"

# Options whose value is a separate word, which may contain a `=`.
VALUED = {
    *("-c", "--checkout", "--directory", "--replay-file", "-o", "--output-dir"),
    *("--config-file", "--debug-file", "--accept-hooks"),
}
CRUFT_VALUED = {
    *("-p", "--project-dir", "--template-path", "-c", "--checkout", "--directory", "--skip"),
    *("--output-dir", "--config-file", "-E", "--extra-context-file", "--variables-to-update-file"),
    *("--extra-context", "--variables-to-update"),
}
REPLAYS = {"--replay", "--replay-file"}
SILENT = {"--no-input", "-y"}  # -y of an update is another option
ASKING = {"-i", "--cookiecutter-input"}
# cruft takes answers as one JSON object; the first name is the one to print.
CRUFT_ANSWERS = {
    "create": ("--extra-context",),
    "update": ("--variables-to-update", "--extra-context"),
}


@dataclass(frozen=True)
class CommandLine:
    """A command line: `words` is the program with its options, `given` the answers.

    `flag` is the option for answers as JSON; `asks` is true if questions are asked.
    """

    words: tuple[str, ...] = ("cookiecutter", HOME)
    given: Mapping[str, str] = field(default_factory=dict)
    flag: str = ""
    asks: bool = False

    @property
    def updates(self) -> bool:
        """Whether the project exists, and has stored answers."""
        return self.flag == CRUFT_ANSWERS["update"][0]

    @property
    def project(self) -> Path:
        """The folder of the project that is updated."""
        folders = [b for a, b in itertools.pairwise(self.words) if a in {"-p", "--project-dir"}]
        return Path(folders[-1] if folders else ".")

    def stored(self) -> dict[str, str]:
        """Return what an update proposes: the stored answers, or those of the command line."""
        state = self.project / ".cruft.json"
        if not (self.updates and state.is_file()):
            return {}
        answers = json.loads(state.read_text("utf-8"))["context"]["cookiecutter"]
        return {**{q: str(answers[q]) for q in QUESTIONS if q in answers}, **self.given}

    def again(self, answers: Mapping[str, str], *, asks: bool = False) -> str:
        """Return the command line with these answers, and with questions if `asks` is true."""
        pairs = [f"{key}={value}" for key, value in answers.items()]
        if self.flag:
            pairs = [self.flag, json.dumps(dict(answers))] if answers else []
        words = self._with_questions() if asks and not self.asks else self.words
        return " ".join(_quoted(word) for word in (*words, *pairs))

    def _with_questions(self) -> tuple[str, ...]:
        if self.updates:
            return (*self.words, "--cookiecutter-input")
        return tuple(word for word in self.words if word not in SILENT)


def read(argv: Sequence[str], python: str = "python") -> CommandLine:
    """Return the command line of cookiecutter or cruft."""
    name = _name(argv)
    program = _program(PurePath(argv[0]), python) if name else ()
    if name == "cookiecutter":
        return _cookiecutter(program, argv[1:])
    if name == "cruft" and argv[1:2] and argv[1] in CRUFT_ANSWERS:
        return _cruft(program, argv[1], argv[2:])
    return CommandLine()


def _name(argv: Sequence[str]) -> str:
    """Return the name of the program: cookiecutter, cruft, or another one."""
    path = PurePath(argv[0] if argv else "")
    return path.parent.name if path.stem == "__main__" else path.stem


def _program(path: PurePath, python: str) -> tuple[str, ...]:
    """Return how to start the program from the user's shell."""
    if path.stem == "__main__":
        return (python, "-m", path.parent.name)
    if any(part.startswith("archive-v") for part in path.parts):
        # It is in uv's cache, not on the path. With uv, `pipx run` puts it there as well.
        only_pipx = shutil.which("pipx") and not shutil.which("uvx")
        return ("pipx", "run", path.stem) if only_pipx else ("uvx", path.stem)
    if "pipx" in path.parts and "venvs" not in path.parts:
        return ("pipx", "run", path.stem)  # it is in pipx's cache
    return (path.stem if shutil.which(path.stem) else str(path),)


def makes_project(argv: Sequence[str]) -> bool:
    """Return whether the command creates a project; other cruft commands compare versions."""
    return _name(argv) != "cruft" or list(argv[1:2]) == ["create"]


def skips_existing(argv: Sequence[str]) -> bool:
    """Return whether files that exist stay as they are."""
    skipping = {"-s", "--skip-if-file-exists"}
    return any(word in skipping for word, *_ in _options(argv[1:], VALUED))


def output_folder(argv: Sequence[str]) -> Path | None:
    """Return where the command makes the folder of a project, None if it makes none."""
    if _name(argv) not in {"cookiecutter", "cruft"} or not makes_project(argv):
        return None
    options = _options(argv[1:], VALUED | CRUFT_VALUED)
    folders = [value for word, *value in options if word in {"-o", "--output-dir"}]
    return Path(*(folders[-1] if folders else "."))


def may_exist(argv: Sequence[str]) -> bool:
    """Return whether the folder of the project may exist."""
    words = {word for word, *_ in _options(argv[1:], VALUED | CRUFT_VALUED)}
    return bool(words & {"-f", "--overwrite-if-exists"})


def _cookiecutter(program: tuple[str, ...], words: Sequence[str]) -> CommandLine:
    kept, pairs, template = list(program), {}, ""
    for word, *value in _options(words, VALUED):
        if word in REPLAYS:
            # A replay accepts no other answers, so the printed command has no questions.
            kept.append("--no-input")
        elif word.startswith("-") or not template:
            template = template or ("" if word.startswith("-") else word)
            kept += [word, *value]
        else:
            key, _, answer = word.partition("=")
            pairs[key] = answer
    return CommandLine(tuple(kept), pairs, asks=not SILENT & {*kept})


def _cruft(program: tuple[str, ...], command: str, words: Sequence[str]) -> CommandLine:
    flags = CRUFT_ANSWERS[command]
    kept, answers = [*program, command], dict[str, str]()
    file = False
    for word, *value in _options(words, CRUFT_VALUED):
        if word in flags:
            answers = _json_answers(value[0])
        elif word in {"-E", "--extra-context-file"}:
            # cruft ignores the flag if there is a file, so the flag has to replace the file.
            file = True
        else:
            kept += [word, *value]
    asks = bool(ASKING & {*kept}) if command == "update" else not SILENT & {*kept}
    return CommandLine(tuple(kept), {} if file else answers, flags[0], asks)


def _options(words: Sequence[str], valued: set[str]) -> Iterator[tuple[str, ...]]:
    """Yield each option with its value, and each other word alone; `-fo x` is `-f` and `-o x`."""
    rest = iter(words)
    for word in rest:
        if word.startswith("--"):
            name, equals, value = word.partition("=")
            if not equals and name in valued:
                yield name, next(rest, "")
            else:
                yield (name, value) if equals else (name,)
        elif word.startswith("-"):
            yield from _letters(word[1:], rest, valued)
        else:
            yield (word,)


def _letters(letters: str, rest: Iterator[str], valued: set[str]) -> Iterator[tuple[str, ...]]:
    for place, letter in enumerate(letters, 1):
        if f"-{letter}" in valued:
            yield f"-{letter}", letters[place:] or next(rest, "")
            return
        yield (f"-{letter}",)


def _json_answers(text: str) -> dict[str, str]:
    try:
        answers = json.loads(text)
    except ValueError:
        return {}
    return {key: str(value) for key, value in answers.items()} if isinstance(answers, dict) else {}


def _quoted(word: str) -> str:
    """Quote the word for sh, PowerShell and cmd; only unusual paths need the quotes of sh."""
    if re.fullmatch(r"[\w.,:/@%+=\\-]+", word, re.ASCII):
        return word
    if re.fullmatch(r"[\w.,:/@%+= <>()-]+", word, re.ASCII):
        return f'"{word}"'
    return shlex.quote(word)


def strays(given: Iterable[str]) -> list[Violation]:
    """Return a violation for each key that is no question; cookiecutter silently ignores them."""
    return [_stray(key) for key in given if key not in QUESTIONS]


def _stray(key: str) -> Violation:
    # A key with an underscore belongs to the template; it is not a misspelling.
    right = None if key.startswith("_") else nearest_name(key, QUESTIONS) or _whole_name(key)
    fix = f"Did you mean {right}?" if right else f"The questions are {', '.join(QUESTIONS)}."
    reason = "There is no question with this name."
    return Violation("unknown-question", "form", key, reason, fix, correction=right)


def _whole_name(key: str) -> str | None:
    """Return the only question whose name contains the key: `schema` is event_schema."""
    names = [question for question in QUESTIONS if key in question.split("_")]
    return names[0] if len(names) == 1 else None


def corrected(given: Mapping[str, str]) -> dict[str, str]:
    """Return misspelt answers under their correct names, unless those are given too."""
    meant = {stray.correction: given[stray.clash] for stray in strays(given) if stray.correction}
    return {question: value for question, value in meant.items() if question not in given}
