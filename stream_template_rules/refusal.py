"""The text of a refusal: all violations, and one command to continue with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .axes import AXES, QUESTIONS, Answers
from .commandline import CommandLine, corrected, read, strays
from .existing import FOLDER_EXISTS, taken_folder
from .problems import Violation
from .verdict import chosen, make_legal, proposed, violations


@dataclass(frozen=True)
class Retry:
    """What asks the last question again: the refusal, and the values of a menu or a proposal."""

    text: str
    question: str
    proposals: tuple[str, ...]


def refusal(
    answers: Answers, argv: Sequence[str] = (), *, python: str = "python", final: bool = False
) -> str:
    """Return the refusal of these answers and this command line, empty if they are legal.

    With questions, a conflict is reported before the next question. Without questions, the answers
    are validated once, when all of them are known, so that one refusal has all violations.
    """
    line = read(argv, python)
    if not (final or line.asks or answers.keys() >= {*QUESTIONS}):
        return ""
    wrong_keys = strays(line.given)
    meant = corrected(line.given)
    asked = _asked(answers, line, meant)
    # A hook validates final answers when the folder exists already.
    bad = wrong_keys + (violations(asked) if final else _found(asked, argv))
    if not bad:
        return ""
    lost = [problem.clash for problem in wrong_keys if problem.correction not in meant]
    keep, again = _kept(asked | _other_folder(bad), line, meant)
    return told(
        bad,
        *_changes({**line.stored(), **asked}, keep),
        *([f"Not in the command below: {', '.join(lost)}"] if lost else []),
        f"Continue with:\n\n    {line.again(keep, asks=bool(again))}",
        again=again,
    )


def retry(answers: Answers, argv: Sequence[str], *, python: str = "python") -> Retry | None:
    """Return what asks the last question again, None if no other answer to it is legal.

    The answers so far are refused.
    """
    line = read(argv, python)
    question = [question for question in QUESTIONS if question in answers][-1]
    asked = _asked(answers, line, {})
    others = {q: text for q, text in asked.items() if q != question}
    if not line.asks or strays(line.given) or _found(others, argv):
        return None
    bad = _found(asked, argv)
    if question in AXES:
        legal = [value for value in AXES[question] if not violations(others | {question: value})]
        keep, _ = _kept(asked, line, {})
        back = f"To change an earlier answer, press Ctrl-C and run:\n\n    {line.again(keep)}"
        return Retry(told(bad, back), question, tuple(legal)) if legal else None
    fixed = make_legal(asked | _other_folder(bad))
    proposals = {**proposed(others), **line.given, **line.stored(), **fixed}
    return Retry(told(bad), question, (proposals[question],))


def _found(asked: Answers, argv: Sequence[str]) -> list[Violation]:
    """Return the violations of the answers, or of the folder that they name."""
    return violations(asked) or taken_folder(asked, argv)


def _other_folder(problems: Sequence[Violation]) -> dict[str, str]:
    """Return the slug that replaces the one of a folder that exists."""
    return {p.answer: str(p.correction) for p in problems if p.id == FOLDER_EXISTS}


def _kept(asked: Answers, line: CommandLine, meant: Answers) -> tuple[dict[str, str], list[str]]:
    """Return the answers of the command to continue with, and the questions that it asks again."""
    named = {**line.given, **meant}
    typed = {q for q in QUESTIONS if q in named and str(asked.get(q)) == named[q]}
    stored = line.stored()
    fixed = make_legal({**stored, **asked}, typed)
    offered = stored or _offered(asked, fixed)
    keep = {q: text for q, text in fixed.items() if q in typed or text != offered.get(q)}
    return keep, [q for q in chosen(asked, typed) if q not in fixed]


def told(problems: Sequence[Violation], *more: str, again: Sequence[str] = ()) -> str:
    """Return violations and further paragraphs as one text.

    The first line names the questions that the printed command asks `again`.
    """
    first = "This does not work:"
    if again:
        first = f"This does not work. The command below asks for {', '.join(again)} again:"
    return "\n" + "\n\n".join([first, *(_said(problem) for problem in problems), *more]) + "\n"


def _asked(answers: Answers, line: CommandLine, meant: Answers) -> dict[str, Any]:
    """Return the answers to validate.

    Those on the command line count before their question is asked, so that one refusal has all
    violations. An update also renders the stored answers. They are validated separately, unless a
    key is misspelt: that is refused immediately, together with the new answers.
    """
    given = {key: value for key, value in line.given.items() if key in QUESTIONS}
    if not line.updates:
        asked = {**given, **answers}
    elif strays(line.given):
        asked = {**answers, **given}
    else:
        asked = {**answers}
    own = {**chosen(asked, given), **meant}
    follows = {q: text for q, text in proposed(own).items() if q in asked and text}
    return {q: asked[q] for q in asked if q not in QUESTIONS} | follows | own


def _offered(asked: Answers, fixed: Mapping[str, str]) -> dict[str, str]:
    """Return the answers that the command can omit, because its questions propose them.

    Changed values are not among them: a file of the user may propose the refused value.
    """
    before = {**proposed({}), **asked}
    changed = {axis for axis in AXES if str(before[axis]) != fixed[axis]}
    return {q: text for q, text in proposed(fixed).items() if q not in changed}


def _said(problem: Violation) -> str:
    return (
        f"  {problem.id} ({problem.kind}): {problem.clash}\n    {problem.reason}\n    {problem.fix}"
    )


def _changes(asked: Answers, keep: Mapping[str, str]) -> list[str]:
    before = {**proposed(asked), **asked}
    changed = [f"{q}={text}" for q, text in keep.items() if str(before[q]) != text]
    return [f"Nearest legal answers: {'; '.join(changed)}"] if changed else []
