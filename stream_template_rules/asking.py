"""What a person at a terminal sees besides cookiecutter's questions."""

from collections.abc import Sequence

from .axes import QUESTIONS
from .commandline import makes_project, read

INTRODUCTION = f"""
{len(QUESTIONS)} questions about a streaming job: its name, its events, and how it processes them.
Enter takes the value in brackets; in a menu, type a number. Ctrl-C ends, and nothing is written.
"""


def introduction(argv: Sequence[str]) -> str:
    """Return the text before the first question of a new project, empty without questions."""
    return INTRODUCTION if read(argv).asks and makes_project(argv) else ""
