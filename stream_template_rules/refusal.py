"""The text of a refusal: everything that clashes, and the one command to go on with."""

from collections.abc import Mapping, Sequence
from typing import Any

from .axes import AXES, QUESTIONS, Answers
from .commandline import CommandLine, corrected, read, strays
from .problems import Violation
from .verdict import chosen, make_legal, proposed, violations


def refusal(
    answers: Answers, argv: Sequence[str] = (), *, python: str = "python", final: bool = False
) -> str:
    """Return what to tell the user about these answers and this command line; empty if all is well.

    A person who is asked hears of a clash before the next question. Without questions the answers
    are judged once, when all of them are there: a part of them shows a part of what is wrong.
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
        *([f"Left out below: {', '.join(lost)}"] if lost else []),
        f"Go on with:\n\n    {line.again(keep, asks=bool(again))}",
        again=again,
    )


def told(problems: Sequence[Violation], *more: str, again: Sequence[str] = ()) -> str:
    """Return what is wrong, and what more there is to say, as paragraphs.

    The first line tells which questions the command to go on with asks `again`.
    """
    first = "This does not work:"
    if again:
        first = f"This does not work. The command below asks for {', '.join(again)} again:"
    return "\n" + "\n\n".join([first, *(_said(problem) for problem in problems), *more]) + "\n"


def _asked(answers: Answers, line: CommandLine, meant: Answers) -> dict[str, Any]:
    """Return the answers to judge.

    Those on the command line count before their question is asked, so that one refusal says all.
    An update renders the stored answers too. They are judged by themselves, unless a key is
    misspelt: that is refused at once, with the new answers.
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
    """Return what the command need not name, as its questions have it without.

    A changed choice is not among it: a file of the user may have offered the refused one.
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
    return [f"The nearest that works: {'; '.join(changed)}"] if changed else []
