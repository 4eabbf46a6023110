"""The command line that asked for the project, and the same again with other answers."""

import json
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath

from .axes import QUESTIONS
from .problems import Violation, nearest_name

HOME = "gh:org/stream-template"

# Options of cookiecutter whose value is a word of its own, which may well hold a `=`.
VALUED = {
    *("-c", "--checkout", "--directory", "--replay-file", "-o", "--output-dir"),
    *("--config-file", "--debug-file", "--accept-hooks"),
}
# cruft takes answers as one JSON object.
CRUFT_ANSWERS = {"create": "--extra-context", "update": "--variables-to-update"}


@dataclass(frozen=True)
class CommandLine:
    """`words` is the program and all that is no answer; `flag` is how it takes answers as JSON."""

    words: tuple[str, ...] = ("cookiecutter", HOME)
    given: Mapping[str, str] = field(default_factory=dict)
    flag: str = ""

    def again(self, answers: Mapping[str, str]) -> str:
        """Return the line once more, with these answers in place of the given ones."""
        pairs = [f"{key}={value}" for key, value in answers.items()]
        if self.flag:
            pairs = [self.flag, json.dumps(dict(answers))] if answers else []
        return " ".join(_quoted(word) for word in (*self.words, *pairs))


def read(argv: Sequence[str]) -> CommandLine:
    """Return the command line, as far as it is one of cookiecutter or cruft."""
    program = _program(argv)
    if program[-1] == "cookiecutter":
        return _cookiecutter(program, argv[1:])
    if program[-1] == "cruft" and argv[1:2] and argv[1] in CRUFT_ANSWERS:
        return _cruft(program, argv[1:])
    return CommandLine()


def _program(argv: Sequence[str]) -> tuple[str, ...]:
    """Return the words that started the program."""
    path = PurePath(argv[0] if argv else "")
    return ("python", "-m", path.parent.name) if path.stem == "__main__" else (path.stem,)


def makes_project(argv: Sequence[str]) -> bool:
    """Return whether the user gets a new project, and no comparison of two versions of it."""
    return _program(argv)[-1:] != ("cruft",) or list(argv[1:2]) == ["create"]


def skips_existing(argv: Sequence[str]) -> bool:
    """Return whether files that exist stay as they are."""
    return any(re.fullmatch("--skip-if-file-exists|-[a-z]*s[a-z]*", word) for word in argv[1:])


def _cookiecutter(program: tuple[str, ...], words: Sequence[str]) -> CommandLine:
    kept, pairs, template = list(program), {}, ""
    rest = iter(words)
    for word in rest:
        if word in {"--replay", "--replay-file"} or word.startswith("--replay-file="):
            # A replay takes no answers beside its own, so they go on without questions.
            kept.append("--no-input")
            if word == "--replay-file":
                next(rest, "")
        elif word in VALUED:
            kept += [word, next(rest, "")]
        elif word.startswith("-") or not template:
            template = template or ("" if word.startswith("-") else word)
            kept.append(word)
        else:
            key, _, value = word.partition("=")
            pairs[key] = value
    return CommandLine(tuple(kept), pairs)


def _cruft(program: tuple[str, ...], words: Sequence[str]) -> CommandLine:
    flag = CRUFT_ANSWERS[words[0]]
    kept, text = list(program), "{}"
    rest = iter(words)
    for word in rest:
        if word == flag:
            text = next(rest, "{}")
        elif word.startswith(f"{flag}="):
            text = word.removeprefix(f"{flag}=")
        else:
            kept.append(word)
    return CommandLine(tuple(kept), _json_answers(text), flag)


def _json_answers(text: str) -> dict[str, str]:
    try:
        answers = json.loads(text)
    except ValueError:
        return {}
    return {key: str(value) for key, value in answers.items()} if isinstance(answers, dict) else {}


def _quoted(word: str) -> str:
    """Quote the word for sh, PowerShell and cmd; only odd paths need the quotes of sh."""
    if re.fullmatch(r"[\w.,:/@%+=\\-]+", word, re.ASCII):
        return word
    if re.fullmatch(r"[\w.,:/@%+= <>()-]+", word, re.ASCII):
        return f'"{word}"'
    return shlex.quote(word)


def strays(given: Iterable[str]) -> list[Violation]:
    """Return what is wrong with keys of no question; cookiecutter passes over them in silence."""
    return [_stray(key) for key in given if key not in QUESTIONS]


def _stray(key: str) -> Violation:
    # What begins with an underscore belongs to the template, and is no misspelling.
    right = None if key.startswith("_") else nearest_name(key, QUESTIONS)
    fix = f"Did you mean {right}?" if right else f"The questions are {', '.join(QUESTIONS)}."
    reason = "No question has this name."
    return Violation("unknown-question", "form", key, reason, fix, correction=right)


def corrected(given: Mapping[str, str]) -> dict[str, str]:
    """Return misspelt answers under the names they were meant for, where none is given."""
    meant = {stray.correction: given[stray.clash] for stray in strays(given) if stray.correction}
    return {question: value for question, value in meant.items() if question not in given}
