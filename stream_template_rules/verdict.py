"""The verdict on answers, complete or not: what is refused, and what would be legal."""

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from .axes import AXES, QUESTIONS, Answers, inside, resolved
from .columns import columns, schema_violations
from .names import name_violations, package_from, slug_violations
from .problems import Violation, nearest_name
from .roles import ROLES, parts_of, read_roles, role_violations
from .rules import NOT_YET_RULES, ROLE_RULES, RULES, Rule

# Spark's deprecated name of available_now, which people still type.
FORMER_VALUES = {"once": "available_now"}

MAX_CORRECTIONS = 20  # a schema may have a typo in each of its columns

ALL_RULES = (*RULES, *ROLE_RULES, *NOT_YET_RULES)


def violations(answers: Answers, rules: tuple[Rule, ...] = ALL_RULES) -> list[Violation]:
    """Return all that is wrong with the answers so far; what was not answered is unknown."""
    texts = text_violations(answers)
    known = _known(answers, texts)
    return texts + [_boxed(rule, answers, known) for rule in _broken(rules, answers, known)]


def text_violations(answers: Answers) -> list[Violation]:
    """Return what is wrong with single answers: they cannot be read, or are no choice at all."""
    text = {question: str(answers[question]) for question in QUESTIONS if question in answers}
    out = [problem for axis in AXES if axis in text for problem in _choice(axis, text[axis])]
    if "project_name" in text:
        out += name_violations(text["project_name"])
    if "project_slug" in text:
        out += slug_violations(text["project_slug"])
        out += _package(answers, text["project_slug"])
    if "event_schema" in text:
        schema = schema_violations(text["event_schema"])
        out += schema
        if "event_roles" in text and not schema:
            out += role_violations(text["event_roles"], text["event_schema"])
    return out


def _choice(axis: str, value: str) -> list[Violation]:
    if value in AXES[axis]:
        return []
    right = FORMER_VALUES.get(value) if axis == "trigger" else None
    right = right or nearest_name(value, AXES[axis])
    fix = f"Did you mean {right}?" if right else f"Choose one of {', '.join(AXES[axis])}."
    reason = f"It is none of the choices of {axis}."
    return [Violation("unknown-value", "form", f"{axis}={value!r}", reason, fix, axis, right)]


def _package(answers: Answers, slug: str) -> list[Violation]:
    package = answers.get("__package", package_from(slug))
    if package == package_from(slug):
        return []
    reason = "The package follows from project_slug and cannot be given."
    return [Violation("package-given", "form", "__package", reason, "Leave it out.")]


def _known(answers: Answers, texts: list[Violation]) -> dict[str, Any]:
    """Return the answers with `auto` resolved, and which parts event_roles gives to a column."""
    known = {**answers, **resolved(answers)}
    speaking = {"event_schema", "event_roles"}
    if speaking <= answers.keys() and not speaking & {problem.answer for problem in texts}:
        found = columns(str(answers["event_schema"]))
        known |= parts_of(found, read_roles(str(answers["event_roles"]), dict(found)))
    return known


def _broken(rules: tuple[Rule, ...], answers: Answers, known: Mapping[str, Any]) -> Iterator[Rule]:
    """Yield the rules whose box the answers lie in, where at least one of its axes was answered."""
    for rule in rules:
        if inside(known, rule.box) and any(axis in answers for axis in rule.box):
            yield rule


def _boxed(rule: Rule, answers: Answers, known: Mapping[str, Any]) -> Violation:
    clash = ", ".join(_said(axis, answers, known) for axis in rule.box)
    return Violation(rule.id, rule.kind, clash, rule.reason, rule.fix)


def _said(axis: str, answers: Answers, known: Mapping[str, Any]) -> str:
    if axis in ROLES:
        return f"no {axis} in event_roles"
    if "_takes_" in axis:
        return "a name in event_schema"
    auto = "" if answers.get(axis) == known[axis] else " (auto)"
    return f"{axis}={known[axis]}{auto}"


def nearest(answers: Answers, rules: tuple[Rule, ...] = ALL_RULES) -> dict[str, str]:
    """Return the smallest change of the choices that breaks no rule, later questions first.

    There is one for any columns: events that are taken one by one need neither id nor key.
    """
    known = _known(answers, text_violations(answers))

    def legal(change: dict[str, str]) -> bool:
        changed = {**answers, **change}
        return not any(_broken(rules, changed, {**known, **changed, **resolved(changed)}))

    return next(filter(legal, _changes(answers, rules)))


def _changes(answers: Answers, rules: tuple[Rule, ...]) -> Iterator[dict[str, str]]:
    """Yield changes of the choices, small ones first; values closed by one rule are left out."""
    asked = [axis for axis in AXES if axis in answers]
    free = {axis: _open_values(axis, rules) for axis in asked}
    forced = {axis for axis in asked if answers[axis] not in free[axis]}
    for size in range(len(forced), len(asked) + 1):
        for axes in itertools.combinations(reversed(asked), size):
            others = ([value for value in free[axis] if value != answers[axis]] for axis in axes)
            if forced <= set(axes):
                yield from (dict(zip(axes, v, strict=True)) for v in itertools.product(*others))


def _open_values(axis: str, rules: tuple[Rule, ...]) -> list[str]:
    """Return the values that no rule forbids by itself."""
    closed = {value for rule in rules if rule.box.keys() == {axis} for value in rule.box[axis]}
    return [value for value in AXES[axis] if value not in closed]


def mended(answers: Answers) -> dict[str, str]:
    """Return the user's answers with the wrong ones corrected, or left out to be asked anew."""
    fixed = {question: str(answers[question]) for question in QUESTIONS if question in answers}
    for _ in range(MAX_CORRECTIONS):
        problem = next((p for p in text_violations(fixed) if p.correction), None)
        if problem is None:
            break
        fixed[problem.answer] = str(problem.correction)
    for problem in text_violations(fixed):
        fixed.pop(problem.answer, None)
        if problem.answer == "event_schema":
            fixed.pop("event_roles", None)
    return fixed | nearest(fixed)
