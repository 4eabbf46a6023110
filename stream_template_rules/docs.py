"""Write docs/choices.md from the rules: `python -m stream_template_rules.docs`."""

import itertools
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from .axes import AUTO, AXES, TEXTS, Box
from .cautions import WARNINGS
from .columns import FLAT, MAX_NAME, NESTED, UNCARRIED
from .files import FILES
from .guarantees import GUARANTEES, REPLAYED, guarantee
from .rules import ROLE_RULES, RULES
from .value_forms import VALUE_FORMS, value_forms
from .verdict import violations

TEMPLATE = Path(__file__).parent.parent
PAGE = TEMPLATE / "docs" / "choices.md"
NUMBERS = {rule.id: str(number) for number, rule in enumerate((*RULES, *ROLE_RULES), 1)}
SOURCES, SINKS = AXES["source"], AXES["sink"]
TRIGGERS = tuple(trigger for trigger in AXES["trigger"] if trigger != "auto")
LEGAL = "✓"

INTRODUCTION = """\
# Choices

<!-- Written by `make docs`; change the rules, not this page. -->

Every question, every value, and every combination that is refused. A rule is a forbidden box: it
applies if every question that it names has one of the values that it lists. The last column shows
the meaning of `auto`.
"""
VALUE_ROWS = "\n".join(f"| {types} | {form} |" for types, form in value_forms(VALUE_FORMS).items())
COLUMNS = f"""\
### `event_schema`

The columns of one event in Spark's DDL: `id STRING, at TIMESTAMP, tags ARRAY<STRING>`. You
can also pass a file: `"event_schema=$(cat schema.sql)"`, with the columns, a `CREATE TABLE`, or the
output of `df.schema.json()`. Line breaks, comments and `;` at the end are ignored.

- **Names** are those of the producer: any characters but control characters, at most {MAX_NAME}.
  Use back quotes (`` `two words` ``) for names with a comma, space or bracket.
- **Types**: {", ".join(f"`{kind}`" for kind in (*FLAT, *NESTED))}, and Spark's
  aliases of these.
  `VARCHAR(n)` and `CHAR(n)` become `STRING`: JSON has no length, and none is checked.
- `NOT NULL` and `COMMENT` are accepted and have no effect: a stream enforces neither. An event
  must have values for its roles; records without them go to quarantine.
- **Not supported**: {", ".join(f"`{kind}`" for kind in UNCARRIED)}, and collations. Not every
  source, sink and test can represent them; `STRING` keeps the value as it was sent.
- `DEFAULT` and `GENERATED` are refused: a table fills them in, a stream does not.
- At least one column, or field of a `STRUCT`, is a `TIMESTAMP`, with ISO 8601 text or a whole
  number since 1970 in the JSON: seconds, or the unit that `events.epoch_unit` names.

A value is what was sent, or its record goes to quarantine. Of each type, JSON may have:

| type | accepted |
| --- | --- |
{VALUE_ROWS}

`null` and a missing field are null.

### `event_roles`

`id=..., time=..., key=..., measure=...` in any order, in any case. Use back quotes for a column
with characters other than letters, digits, `_`, `-`, `.` and `@`. `key=none` means that no column
has the role; a column of that name needs back quotes.

A field of a `STRUCT` has a path: `time=meta.ts`. With a role, it becomes a column of the event and
of the result, `meta_ts`; records stay as they are sent. A field in an `ARRAY` or a `MAP` has
several values in an event, so it cannot have a role.

A window has a row for each value of the key; without a key, it has one row of all events.
`key=country+event_type` has a row for each combination of values, and `measure=amount+bytes` a
total of each column. In such a list, a name with `+` needs back quotes.
"""
KINDS = """\
| kind | means |
| --- | --- |
| spark | Spark refuses it |
| safety | Spark accepts it, but the job then loses data or grows without limit |
| platform | the platform does not support it |
| scope | it is legal, but not generated |
"""
COMBINATIONS = f"""\
Every source, window, output mode, sink and trigger: {LEGAL} means legal, a number names the rule
that refuses it. A join, state, the platform, an older Spark version, or missing roles can still
break another rule.
"""
OFTEN = """\
How often an event counts in the result if the job crashes and restarts, for every source, sink
and trigger; a number names the rule that refuses it.
"""
OF_SOME_PROJECTS = """\
These files are generated for some answers only. All other files of the template are in every
project.
"""


def page() -> str:
    """Return the text of docs/choices.md."""
    labels = json.loads((TEMPLATE / "cookiecutter.json").read_text("utf-8"))["__prompts__"]
    parts = [INTRODUCTION, "## Questions\n", *_questions(labels)]
    parts += ["## Refused combinations\n", KINDS, _rules()]
    parts += ["## Legal combinations\n", COMBINATIONS, *_combinations()]
    parts += ["## Warnings\n", _warnings()]
    parts += ["## Delivery guarantees\n", OFTEN, _how_often(), _guarantees()]
    parts += ["## Files of a project\n", OF_SOME_PROJECTS, _files()]
    return "\n".join(parts)


def _questions(labels: dict[str, Any]) -> Iterator[str]:
    yield _table(("question", "asks"), ((f"`{text}`", labels[text]) for text in TEXTS))
    yield COLUMNS
    for axis, values in AXES.items():
        yield f"### `{axis}`\n\n{labels[axis]['__prompt__']}\n"
        rows = (
            (f"`{value}`", labels[axis][value].removeprefix(f"{value}: "), _note(axis, value))
            for value in values
        )
        yield _table(("value", "meaning", ""), rows)


def _note(axis: str, value: str) -> str:
    if value == "auto":
        return "; ".join(f"{meant} {_where(box)}".strip() for box, meant in AUTO[axis])
    return "default" if value == AXES[axis][0] else ""


def _where(box: Box) -> str:
    return f"with {_box(box)}" if box else "otherwise"


def _rules() -> str:
    rows = (
        (
            NUMBERS[rule.id],
            f"`{rule.id}`",
            rule.kind,
            _box(rule.box),
            f"{rule.reason} {rule.fix}",
        )
        for rule in (*RULES, *ROLE_RULES)
    )
    return _table(("", "rule", "kind", "refuses", "because"), rows)


def _combinations() -> Iterator[str]:
    """Yield a table of windows, modes and sinks; sources and triggers that are alike share one."""
    alike = defaultdict(list)
    for trigger, source in itertools.product(TRIGGERS, SOURCES):
        cells = {
            (window, mode): [
                _verdict(trigger=trigger, source=source, window=window, output_mode=mode, sink=sink)
                for sink in SINKS
            ]
            for window, mode in itertools.product(AXES["window"], AXES["output_mode"])
        }
        alike[_combined(cells)].append((trigger, source))
    for text, ends in alike.items():
        triggers, sources = (_codes(dict.fromkeys(names)) for names in zip(*ends, strict=True))
        yield f"### {sources} with {triggers}\n\n{text}"


def _combined(cells: dict[tuple[str, str], list[str]]) -> str:
    """Return the table, or only which rules refuse all of it."""
    each = [cell.split(", ") for row in cells.values() for cell in row]
    if [LEGAL] not in each:
        common = [number for number in NUMBERS.values() if all(number in cell for cell in each)]
        return f"None: all are refused by {', '.join(common)}.\n"
    rows = ((f"`{window}`", f"`{mode}`", *row) for (window, mode), row in cells.items())
    return _table(("window", "output mode", *(f"`{sink}`" for sink in SINKS)), rows)


def _verdict(**answers: str) -> str:
    """Return the sign for legal answers, or the numbers of the rules that refuse them."""
    return ", ".join(NUMBERS[problem.id] for problem in violations(answers, RULES)) or LEGAL


def _warnings() -> str:
    rows = ((f"`{warn.id}`", " or ".join(map(_box, warn.boxes)), warn.text) for warn in WARNINGS)
    return _table(("warning", "for", "says"), rows)


def _how_often() -> str:
    """Return a row for each sink and trigger; triggers that are alike share one."""
    alike = defaultdict(list)
    for sink, trigger in itertools.product(SINKS, TRIGGERS):
        cells = (_often(source=source, sink=sink, trigger=trigger) for source in SOURCES)
        alike[sink, *cells].append(trigger)
    rows = ((f"`{sink}`", _codes(same), *cells) for (sink, *cells), same in alike.items())
    return _table(("sink", "trigger", *(f"`{source}`" for source in SOURCES)), rows)


def _often(**answers: str) -> str:
    verdict = _verdict(**answers)
    if verdict != LEGAL:
        return verdict
    promise, _, _ = guarantee(answers).partition(":")
    return promise.partition(" into ")[0].partition(" for ")[0].lower()


def _guarantees() -> str:
    sources = ((f"`{source}`", f"{replayed}.") for source, replayed in REPLAYED.items())
    replayed = "a batch replay after a crash reads the same"
    sinks = ((_box(box), text.format(replayed=replayed)) for box, text in GUARANTEES)
    return "\n".join(
        (
            _table(("source", "batch replay"), sources),
            _table(("with", "an event counts"), sinks),
        )
    )


def _files() -> str:
    rows = ((f"`{path}`", " or ".join(map(_box, boxes))) for path, boxes in FILES.items())
    return _table(("file", "is generated for"), rows)


def _box(box: Box) -> str:
    return ", ".join(f"{axis}={'/'.join(values)}" for axis, values in box.items())


def _codes(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), "utf-8")
