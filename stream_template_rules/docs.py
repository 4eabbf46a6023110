"""Write docs/choices.md from the rules: `python -m stream_template_rules.docs`."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from .axes import AUTO, AXES, TEXTS, Box
from .cautions import WARNINGS
from .plan import GUARANTEES, REPLAYED
from .rules import ROLE_RULES, RULES

TEMPLATE = Path(__file__).parent.parent
PAGE = TEMPLATE / "docs" / "choices.md"

INTRODUCTION = """\
# Choices

<!-- Written by `python -m stream_template_rules.docs`; change the rules, not this page. -->

Every question, every value, and every combination that is refused. A rule is a forbidden box: it
speaks when every question it names has one of the values it lists. `auto` stands for what the
last column says. Values marked "not yet" are legal, but this release does not generate them; each
is refused by a rule of kind `scope` named `<question>-<value>-not-yet`.
"""
KINDS = """\
| kind | means |
| --- | --- |
| spark | Spark refuses it |
| safety | Spark accepts it, and then it loses data or grows for ever |
| platform | the platform has no such thing |
| scope | it is legal, and not generated |
"""


def page() -> str:
    """Return the text of docs/choices.md."""
    labels = json.loads((TEMPLATE / "cookiecutter.json").read_text("utf-8"))["__prompts__"]
    parts = [INTRODUCTION, "## Questions\n", *_questions(labels)]
    parts += ["## What is refused\n", KINDS, _rules()]
    parts += ["## What is allowed with a warning\n", _warnings()]
    parts += ["## Delivery guarantees\n", _guarantees()]
    return "\n".join(parts)


def _questions(labels: dict[str, Any]) -> Iterator[str]:
    yield _table(("question", "asks"), ((f"`{text}`", labels[text]) for text in TEXTS))
    for axis, values in AXES.items():
        yield f"### `{axis}`\n\n{labels[axis]['__prompt__']}\n"
        rows = ((f"`{value}`", labels[axis][value], _note(axis, value)) for value in values)
        yield _table(("value", "means", ""), rows)


def _note(axis: str, value: str) -> str:
    if value == "auto":
        return "; ".join(f"{meant} {_where(box)}".strip() for box, meant in AUTO[axis])
    return "default" if value == AXES[axis][0] else ""


def _where(box: Box) -> str:
    return f"on {_box(box)}" if box else "elsewhere"


def _rules() -> str:
    rows = (
        (f"`{rule.id}`", rule.kind, _box(rule.box), f"{rule.reason} {rule.fix}")
        for rule in (*RULES, *ROLE_RULES)
    )
    return _table(("rule", "kind", "refuses", "because"), rows)


def _warnings() -> str:
    rows = ((f"`{warn.id}`", " or ".join(map(_box, warn.boxes)), warn.text) for warn in WARNINGS)
    return _table(("warning", "for", "says"), rows)


def _guarantees() -> str:
    sources = ((f"`{source}`", f"{replayed}.") for source, replayed in REPLAYED.items())
    replayed = "a batch repeated after a crash reads the same"
    sinks = ((_box(box), text.format(replayed=replayed)) for box, text in GUARANTEES)
    return "\n".join(
        (
            _table(("source", "what is repeated"), sources),
            _table(("with", "an event counts"), sinks),
        )
    )


def _box(box: Box) -> str:
    return ", ".join(f"{axis}={'/'.join(values)}" for axis, values in box.items())


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), "utf-8")
