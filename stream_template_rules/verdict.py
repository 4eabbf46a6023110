"""Validation of answers, complete or not: violations, and the nearest legal answers."""

import heapq
from collections.abc import Container, Iterator, Mapping
from typing import Any

from .axes import AXES, QUESTIONS, TEXT_DEFAULTS, TEXTS, Answers, inside, resolved
from .columns import schema_violations
from .names import name_violations, package_from, slug_from, slug_violations
from .problems import Violation, nearest_name
from .roles import ROLES, default_roles, parts_of, read_event, role_violations
from .rules import ROLE_RULES, RULES, Rule

# Spark's deprecated name of available_now, which users still type.
FORMER_VALUES = {"once": "available_now"}

MAX_CORRECTIONS = 20  # a schema may have a typo in each of its columns

ALL_RULES = (*RULES, *ROLE_RULES)


def violations(answers: Answers, rules: tuple[Rule, ...] = ALL_RULES) -> list[Violation]:
    """Return all violations of the answers so far; missing answers are unknown."""
    texts = text_violations(answers)
    known = _known(answers, texts)
    return texts + [_boxed(rule, answers, known) for rule in _broken(rules, answers, known)]


def text_violations(answers: Answers) -> list[Violation]:
    """Return violations of single answers: they cannot be parsed, or are not a value."""
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
    reason = f"It is not a value of {axis}."
    return [Violation("unknown-value", "form", f"{axis}={value!r}", reason, fix, axis, right)]


def _package(answers: Answers, slug: str) -> list[Violation]:
    package = answers.get("__package", package_from(slug))
    if package == package_from(slug):
        return []
    reason = "The package name is derived from project_slug; you cannot set it."
    return [Violation("package-given", "form", "__package", reason, "Remove it.")]


def _known(answers: Answers, texts: list[Violation]) -> dict[str, Any]:
    """Return the answers with `auto` resolved, and the roles that have a column."""
    known = {**answers, **resolved(answers)}
    speaking = {"event_schema", "event_roles"}
    if speaking <= answers.keys() and not speaking & {problem.answer for problem in texts}:
        event = read_event(str(answers["event_schema"]), str(answers["event_roles"]))
        known |= parts_of(event)
    return known


def _broken(rules: tuple[Rule, ...], answers: Answers, known: Mapping[str, Any]) -> Iterator[Rule]:
    """Yield the rules whose box contains the answers, if one of its axes was answered."""
    for rule in rules:
        if inside(known, rule.box) and any(axis in answers for axis in rule.box):
            yield rule


def _boxed(rule: Rule, answers: Answers, known: Mapping[str, Any]) -> Violation:
    clash = ", ".join(_said(axis, answers, known) for axis in rule.box)
    return Violation(rule.id, rule.kind, clash, rule.reason, rule.fix)


def _said(axis: str, answers: Answers, known: Mapping[str, Any]) -> str:
    if axis in ROLES:
        number = "no" if known[axis] == "missing" else "several columns as"
        return f"{number} {axis} in event_roles"
    if "_takes_" in axis:
        return "a column name in event_schema"
    auto = "" if answers.get(axis) == known[axis] else " (auto)"
    return f"{axis}={known[axis]}{auto}"


def proposed(answers: Answers) -> dict[str, str]:
    """Return what the questions propose; two proposals depend on an earlier answer."""
    texts = {**TEXT_DEFAULTS, **answers}
    return {
        **TEXT_DEFAULTS,
        "project_slug": slug_from(str(texts["project_name"])),
        "event_roles": default_roles(str(texts["event_schema"])),
        **{axis: values[0] for axis, values in AXES.items()},
    }


def chosen(answers: Answers, typed: Container[str] = ()) -> dict[str, str]:
    """Return the answers that somebody chose: typed ones, and those that differ from proposals."""
    texts = {question: str(answers[question]) for question in QUESTIONS if question in answers}
    proposal = proposed(texts)
    return {q: text for q, text in texts.items() if q in typed or text != proposal[q]}


def nearest(
    answers: Answers, typed: Container[str] = (), rules: tuple[Rule, ...] = ALL_RULES
) -> dict[str, str]:
    """Return the smallest change of the values that violates no rule.

    Missing answers have their default. Defaults change first, then answers that somebody chose,
    and last those typed on the command line; of equal changes, that of the later question.
    A legal change always exists: window=none needs neither id nor key.
    """
    wanted = {axis: str(answers.get(axis, values[0])) for axis, values in AXES.items()}
    known = _known(answers, text_violations(answers))
    parts = {part: value for part, value in known.items() if part not in AXES}
    prices = {axis: _price(axis, wanted[axis], typed) for axis in AXES}
    dearest_first = sorted(AXES, key=prices.__getitem__, reverse=True)
    # The cheapest partial answers are extended first, so the first complete set is the nearest.
    heap: list[tuple[int, tuple[str, ...]]] = [(0, ())]
    while True:
        cost, values = heapq.heappop(heap)
        begun = dict(zip(dearest_first, values, strict=False))
        if any(_broken(rules, begun, {**parts, **begun, **resolved(begun)})):
            continue
        if len(begun) == len(AXES):
            return {axis: begun[axis] for axis in AXES if begun[axis] != wanted[axis]}
        axis = dearest_first[len(begun)]
        for place, value in enumerate(AXES[axis]):
            change = 0 if value == wanted[axis] else prices[axis] + place
            heapq.heappush(heap, (cost + change, (*values, value)))


def _price(axis: str, value: str, typed: Container[str]) -> int:
    """Return the price of a change: first by who gave the answer, then by the question's order."""
    given = value != AXES[axis][0]
    tier = 10**10 if axis in typed else 10**8 if given else 10**6
    later = list(AXES).index(axis)
    return tier + 100 * (1 << (len(AXES) - later))


def make_legal(answers: Answers, typed: Container[str] = ()) -> dict[str, str]:
    """Return legal answers to all questions, close to the given ones.

    A text that only its author can correct is omitted: its question has to be asked again.
    """
    given = chosen(answers, typed)
    for _ in range(MAX_CORRECTIONS):
        problem = next((p for p in _text_problems(given) if p.correction), None)
        if problem is None:
            break
        given[problem.answer] = str(problem.correction)
    unclear = {problem.answer for problem in _text_problems(given)} & {*TEXTS}
    if "event_schema" in unclear:
        unclear.add("event_roles")
    kept = {question: text for question, text in given.items() if question not in unclear}
    fixed = proposed(kept) | kept
    fixed |= nearest(fixed, typed)
    return {question: fixed[question] for question in QUESTIONS if question not in unclear}


def _text_problems(given: dict[str, str]) -> list[Violation]:
    return text_violations(proposed(given) | given)
