"""The summary on the screen after a bake: answers, delivery guarantee and warnings."""

import textwrap
from collections.abc import Mapping
from typing import Any

from .axes import AXES, QUESTIONS, resolved
from .cautions import warnings
from .columns import columns
from .guarantees import guarantee

WIDTH = 96
INDENT = "    "
NAME_WIDTH = 15


def summary(answers: Mapping[str, Any]) -> str:
    """Return the answers, one per line, the delivery guarantee and the warnings."""
    known = {**answers, **resolved(answers)}
    parts = [
        "\n".join(_choice(question, answers, known) for question in QUESTIONS),
        _paragraph("Delivery guarantee", guarantee(answers)),
        *(_paragraph("Note", text) for text in warnings(answers)),
    ]
    return "\n\n".join(parts)


def _choice(question: str, answers: Mapping[str, Any], known: Mapping[str, Any]) -> str:
    said = str(answers[question])
    if question in AXES and known[question] != said:
        said = f"{said} ({known[question]})"
    if question == "event_schema":
        names = [name for name, _ in columns(said)]
        said = f"{len(names)} column{'s' * (len(names) > 1)}: {', '.join(names)}"
    short = textwrap.shorten(said, WIDTH - len(INDENT) - NAME_WIDTH, placeholder=" ...")
    return f"{INDENT}{question:<{NAME_WIDTH}}{short}"


def _paragraph(title: str, text: str) -> str:
    return textwrap.indent(textwrap.fill(f"{title}: {text}", WIDTH), INDENT)
