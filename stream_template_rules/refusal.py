"""The text of a refusal: everything that clashes, and the one command to go on with."""

from collections.abc import Mapping, Sequence

from .axes import AXES, QUESTIONS, TEXT_DEFAULTS, Answers
from .commandline import corrected, read, strays
from .names import slug_from
from .problems import Violation
from .roles import default_roles
from .verdict import mended, violations


def refusal(answers: Answers, argv: Sequence[str] = ()) -> str:
    """Return what to tell the user about these answers and this command line; empty if all is well.

    Answers on the command line count before their question is asked, so that one refusal says all.
    """
    line = read(argv)
    given = {key: value for key, value in line.given.items() if key in QUESTIONS}
    meant = corrected(line.given)
    asked = {**given, **answers, **meant}
    bad = strays(line.given) + violations(asked)
    if not bad:
        return ""
    fixed = mended(asked)
    keep = {
        q: fixed[q]
        for q in QUESTIONS
        if q in fixed and _needed(q, fixed, {**given, **meant}, asked)
    }
    return told(bad, *_changes(asked, fixed), f"Go on with:\n\n    {line.again(keep)}")


def told(problems: Sequence[Violation], *more: str) -> str:
    """Return what is wrong, and what more there is to say, as paragraphs."""
    parts = ["This does not work:", *(_said(problem) for problem in problems), *more]
    return "\n" + "\n\n".join(parts) + "\n"


def _said(problem: Violation) -> str:
    return (
        f"  {problem.id} ({problem.kind}): {problem.clash}\n    {problem.reason}\n    {problem.fix}"
    )


def _changes(asked: Answers, fixed: Mapping[str, str]) -> list[str]:
    changed = [f"{q}={fixed[q]}" for q in fixed if str(asked.get(q)) != fixed[q]]
    dropped = [q for q in QUESTIONS if q in asked and q not in fixed]
    return [
        *([f"The nearest that works: {'; '.join(changed)}"] if changed else []),
        *([f"Left out below, to be asked again: {', '.join(dropped)}"] if dropped else []),
    ]


def _needed(question: str, fixed: Mapping[str, str], given: Answers, asked: Answers) -> bool:
    """Return whether the command must name the answer, as the question would not propose it."""
    proposed = {
        **{axis: values[0] for axis, values in AXES.items()},
        **TEXT_DEFAULTS,
        "project_slug": slug_from(fixed.get("project_name", TEXT_DEFAULTS["project_name"])),
        "event_roles": default_roles(fixed.get("event_schema", TEXT_DEFAULTS["event_schema"])),
    }
    changed = fixed[question] != str(asked.get(question))
    return changed or question in given or fixed[question] != proposed[question]
