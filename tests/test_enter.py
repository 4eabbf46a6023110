"""After any legal answers, Enter at each later question gives a legal project."""

import pytest

from stream_template_rules import AXES, ROLE_RULES, RULES, Rule, violations

DEFAULTS = {axis: values[0] for axis, values in AXES.items()}
EVENT = {
    "event_schema": "id STRING, at TIMESTAMP, kind STRING",
    "event_roles": "id=id, time=at, key=kind",
}
WITHOUT_ID = EVENT | {"event_roles": "time=at, key=kind"}
WITHOUT_KEY = EVENT | {"event_roles": "id=id, time=at"}


def beginnings(rules, answers, axes=tuple(AXES)):
    """Every legal beginning of answers, in the order of the questions."""
    yield answers
    for value in AXES[axes[0]] if axes else ():
        longer = {**answers, axes[0]: value}
        if not violations(longer, rules):
            yield from beginnings(rules, longer, axes[1:])


def dead_ends(rules, start, axes=tuple(AXES)):
    """The legal beginnings that later defaults make illegal."""
    return [
        answers
        for answers in beginnings(rules, start, axes)
        if violations({**DEFAULTS, **answers}, rules)
    ]


@pytest.mark.parametrize(
    ("rules", "start"),
    [
        pytest.param(RULES, {}, id="all that is legal"),
        pytest.param(RULES + ROLE_RULES, WITHOUT_ID, id="events without an id"),
        pytest.param(RULES + ROLE_RULES, WITHOUT_KEY, id="events without a key"),
        pytest.param(RULES + ROLE_RULES, EVENT, id="what is generated today"),
    ],
)
def test_no_legal_beginning_is_a_dead_end(rules, start):
    """Accepting all later defaults keeps a legal beginning legal."""
    assert dead_ends(rules, start) == []


def test_a_dead_end_is_found():
    """The search finds a rule against a later default, so it can fail."""
    trap = Rule("trap", "scope", {"source": ("files",), "sink": ("delta",)}, "", "")

    assert dead_ends((trap,), {}, ("source",)) == [{"source": "files"}]
