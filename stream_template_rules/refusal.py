"""The text of a refusal: all violations, and one command to continue with."""

from collections.abc import Mapping, Sequence
from typing import Any

from .axes import AXES, QUESTIONS, Answers
from .commandline import CommandLine, corrected, read, strays
from .problems import Violation
from .verdict import chosen, make_legal, proposed, violations


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
    bad = wrong_keys + violations(asked)
    if not bad:
        return ""
    named = {**line.given, **meant}
    typed = {q for q in QUESTIONS if q in named and str(asked.get(q)) == named[q]}
    stored = line.stored()
    fixed = make_legal({**stored, **asked}, typed)
    again = [q for q in chosen(asked, typed) if q not in fixed]
    lost = [problem.clash for problem in wrong_keys if problem.correction not in meant]
    offered = stored or _offered(asked, fixed)
    keep = {q: text for q, text in fixed.items() if q in typed or text != offered.get(q)}
    return told(
        bad,
        *_changes({**stored, **asked}, keep),
        *([f"Not in the command below: {', '.join(lost)}"] if lost else []),
        f"Continue with:\n\n    {line.again(keep, asks=bool(again))}",
        again=again,
    )


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
