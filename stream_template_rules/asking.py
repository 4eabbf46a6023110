"""What a person at a terminal sees besides cookiecutter's questions."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from .axes import AXES, QUESTIONS
from .commandline import makes_project, read
from .refusal import Retry

INTRODUCTION = f"""
{len(QUESTIONS)} questions about a streaming job: its name, its events, and how it processes them.
Enter takes the value in brackets; in a menu, type a number. Ctrl-C ends, and nothing is written.
"""


def introduction(argv: Sequence[str]) -> str:
    """Return the text before the first question of a new project, empty without questions."""
    return INTRODUCTION if read(argv).asks and makes_project(argv) else ""


def has_person() -> bool:
    """Return whether a person types the answers."""
    return sys.stdin is not None and sys.stdin.isatty()


def ask(retry: Retry, labels: Mapping[str, Any]) -> str:
    """Ask one of cookiecutter's questions again; a menu has only the legal values."""
    from cookiecutter import prompt  # noqa: PLC0415 - only cookiecutter itself asks questions

    question, label = retry.question, labels[retry.question]
    number = f"  [{QUESTIONS.index(question) + 1}/{len(QUESTIONS)}] "
    if question in AXES:
        label = {**label, "__prompt__": number + label["__prompt__"]}
        return str(prompt.read_user_choice(question, [*retry.proposals], {question: label}))
    [proposal] = retry.proposals
    return str(prompt.read_user_variable(question, proposal, {question: number + label}))
