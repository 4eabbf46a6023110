"""What each rule refuses, what it leaves alone, and what is proposed instead."""

from pathlib import Path

import pytest

from stream_template_rules import (
    AXES,
    ROLE_RULES,
    RULES,
    make_legal,
    nearest,
    resolved,
    violations,
    warnings,
)

SCHEMA = "event_id STRING, event_time TIMESTAMP, event_type STRING, amount DOUBLE"
ROLES = "id=event_id, time=event_time, key=event_type, measure=amount"
TEXTS = {
    "project_name": "Clickstream Metrics",
    "project_slug": "clickstream-metrics",
    "event_schema": SCHEMA,
    "event_roles": ROLES,
}
DEFAULTS = TEXTS | {axis: values[0] for axis, values in AXES.items()}
SPACED = {
    "event_schema": "at TIMESTAMP, `event type` STRING, f STRUCT<`a=b`: INT>",
    "event_roles": "time=at, key=`event type`",
}
LONG = {
    "event_schema": f"at TIMESTAMP, {'k' * 64} STRING",
    "event_roles": f"time=at, key={'k' * 64}",
}
WITHOUT = {"id": "time=event_time, key=event_type", "key": "id=event_id, time=event_time"}
EXISTING = RULES + ROLE_RULES
TEMPLATES = Path(__file__).parent.parent / "templates"


def ids(answers, rules=EXISTING):
    """Return the ids of all that is wrong."""
    return [problem.id for problem in violations(answers, rules)]


def inside(rule):
    """Answers to nothing but what the rule is about, all of them wrong."""
    answers = {axis: values[0] for axis, values in rule.box.items() if axis in AXES}
    parts = [part for part in rule.box if part not in AXES]
    return answers | (TEXTS | _columns(parts[0]) if parts else {})


def _columns(part):
    """A schema and roles that lack a part, or have a name that a sink cannot take."""
    if part.startswith("delta"):
        return SPACED
    return LONG if part.startswith("postgres") else {"event_roles": WITHOUT[part]}


@pytest.mark.parametrize("rule", EXISTING, ids=lambda rule: rule.id)
def test_a_rule_speaks_in_its_box(rule):
    """Answers inside the box are refused with the rule's id, kind, reason and fix."""
    found = {problem.id: problem for problem in violations(inside(rule), EXISTING)}

    assert rule.id in found
    spoken = found[rule.id]
    assert (spoken.kind, spoken.reason, spoken.fix) == (rule.kind, rule.reason, rule.fix)


@pytest.mark.parametrize("rule", EXISTING, ids=lambda rule: rule.id)
def test_a_rule_is_silent_outside_of_its_box(rule):
    """A value that the box does not list, on any one axis, keeps the rule silent."""
    for axis in rule.box:
        for value in AXES.get(axis, ()):
            if value not in rule.box[axis] and value != "auto":
                assert rule.id not in ids({**inside(rule), axis: value})


@pytest.mark.parametrize("rule", EXISTING, ids=lambda rule: rule.id)
def test_a_rule_waits_for_all_its_answers(rule):
    """A missing answer is unknown: the rule does not apply without it."""
    for axis in rule.box:
        answers = inside(rule)
        answers.pop(axis if axis in AXES else "event_roles")
        assert rule.id not in ids(answers)


@pytest.mark.parametrize(
    ("schema", "roles", "answers", "refused"),
    [
        ("`a b` STRING, k STRING", "key=k", {"window": "none", "sink": "delta"}, True),
        ("`a b` STRING, k STRING", "key=k", {"window": "tumbling", "sink": "delta"}, False),
        ("s STRUCT<`a=b`: INT>, k STRING", "key=k", {"window": "none", "sink": "delta"}, True),
        ("`k k` STRING", "key=`k k`", {"window": "tumbling", "sink": "delta_merge"}, True),
        ("k STRING, `m(x)` DOUBLE", "measure=`m(x)`", {"window": "session", "sink": "delta"}, True),
        ("`k k` STRING", "key=`k k`", {"window": "tumbling", "sink": "kafka"}, False),
        ("user-id STRING, größe.x INT", "key=user-id", {"window": "none", "sink": "delta"}, False),
        ("`a b` STRING, k STRING", "key=k", {"window": "tumbling", "source": "delta"}, True),
        ("`a``b` STRING, k STRING", "key=k", {"window": "none", "sink": "delta_merge"}, True),
        ("`a b` STRING, k STRING", "key=k", {"window": "tumbling", "source": "files"}, False),
        ("`k k` STRING", "key=`k k`", {"sink": "kafka", "join": "static_lookup"}, True),
        ("`a b` STRING, k STRING", "key=k", {"sink": "kafka", "join": "static_lookup"}, False),
        ("xmin INT, k STRING", "key=k", {"window": "none", "sink": "jdbc"}, True),
        ("xmin INT, k STRING", "key=k", {"window": "tumbling", "sink": "jdbc"}, False),
        (f"{'k' * 63} STRING", f"key={'k' * 63}", {"window": "tumbling", "sink": "jdbc"}, False),
        (
            f"k STRING, {'m' * 60} INT",
            f"measure={'m' * 60}",
            {"window": "none", "sink": "jdbc"},
            False,
        ),
        (
            f"k STRING, {'m' * 60} INT",
            f"measure={'m' * 60}",
            {"window": "tumbling", "sink": "jdbc"},
            True,
        ),
        (f"{'ö' * 32} STRING", f"key={'ö' * 32}", {"window": "none", "sink": "jdbc"}, True),
    ],
)
def test_a_name_is_refused_only_where_a_sink_has_it(schema, roles, answers, refused):
    """A name that Delta or PostgreSQL cannot have is of no harm in another result."""
    texts = {"event_schema": f"at TIMESTAMP, {schema}", "event_roles": f"time=at, {roles}"}
    found = [name for name in ids(texts | answers) if name.endswith(("-names", "-name"))]

    assert bool(found) is refused


@pytest.mark.parametrize("texts", [SPACED, LONG])
@pytest.mark.parametrize("sink", AXES["sink"])
def test_names_that_no_sink_takes_leave_another_sink(texts, sink):
    """The nearest legal answers take the names into account."""
    answers = DEFAULTS | texts | {"sink": sink}

    assert violations(answers | nearest(answers)) == []


def test_rules_are_well_formed_data():
    """Each box names questions or roles and values they have; ids are unique, texts sentences."""
    for rule in EXISTING:
        for axis, values in rule.box.items():
            assert set(values) <= set(AXES.get(axis, ("missing", "no"))), rule.id
        assert rule.reason.endswith(".")
        assert rule.fix.startswith(("Choose ", "Name "))
    assert len({rule.id for rule in EXISTING}) == len(EXISTING)


@pytest.mark.parametrize("axis", [axis for axis in AXES if axis != "spark_version"])
def test_each_value_has_a_folder(axis):
    """Each value has a folder under templates/, and each folder there belongs to a value."""
    folders = {folder.name for folder in (TEMPLATES / axis).iterdir() if folder.is_dir()}

    # `none` adds nothing to a job, except in the question about windows.
    assert folders - {"none"} == set(AXES[axis]) - {"none", "auto"}


def test_the_defaults_are_legal():
    """Enter to the end gives a project."""
    assert violations(DEFAULTS) == []


def test_all_violations_are_told_at_once():
    """One look at the answers finds everything that is wrong with them."""
    answers = DEFAULTS | {
        "project_slug": "json",
        "window": "session",
        "sink": "delta",
        "output_mode": "update",
    }

    assert ids(answers) == ["slug-taken", "session-no-update", "delta-no-update"]


def test_a_clash_names_what_auto_stands_for():
    """Answers resolved from `auto` are told as such."""
    answers = {"platform": "databricks", "join": "stream_inner", "output_mode": "update"}
    [problem] = violations(answers | {"spark_version": "auto"}, RULES)

    assert problem.clash == "join=stream_inner, output_mode=update, spark_version=4.1 (auto)"


def test_a_version_too_new_for_the_platform_is_refused_before_it_is_asked():
    """Databricks will not have Spark 4.2, so the answer that needs it is refused at once."""
    answers = {"platform": "databricks", "join": "stream_inner", "output_mode": "update"}

    assert ids(answers) == ["inner-join-update"]
    assert ids(answers | {"platform": "spark_submit"}) == []


@pytest.mark.parametrize(
    ("platform", "trigger", "spark"),
    [
        ("spark_submit", "processing_time", "4.2"),
        ("kubernetes", "processing_time", "4.2"),
        ("databricks", "processing_time", "4.1"),
        ("databricks_serverless", "available_now", "4.0"),
    ],
)
def test_auto_suits_the_platform(platform, trigger, spark):
    """`auto` is what the platform runs, and the newest Spark it has."""
    answers = {"platform": platform, "trigger": "auto", "spark_version": "auto"}

    assert resolved(answers) == {"trigger": trigger, "spark_version": spark}


def test_auto_is_unknown_without_a_platform():
    """Nothing is guessed from half of the answers."""
    assert resolved({"trigger": "auto", "spark_version": "auto"}) == {}


def test_the_nearest_set_changes_the_latest_answer():
    """Of several smallest changes, the one of the question asked last is proposed."""
    answers = DEFAULTS | {"window": "session", "sink": "kafka", "output_mode": "update"}

    assert nearest(answers, (), EXISTING) == {"output_mode": "append"}


def test_the_nearest_set_is_the_smallest():
    """One change that heals three clashes is nearer than three changes."""
    answers = DEFAULTS | {"trigger": "continuous"}

    assert len(ids(answers)) == 2
    assert nearest(answers, AXES, EXISTING) == {"trigger": "auto"}


@pytest.mark.parametrize(
    ("given", "change"),
    [
        ({"state": "custom"}, {"window": "none"}),
        ({"source": "auto_loader"}, {"platform": "databricks"}),
        ({"trigger": "continuous"}, {"window": "none", "sink": "kafka"}),
        ({"join": "stream_left", "output_mode": "complete"}, {"join": "none"}),
    ],
)
def test_defaults_change_before_what_somebody_chose(given, change):
    """An answer other than the default is kept wherever changed defaults make it legal."""
    assert nearest(DEFAULTS | given, (), EXISTING) == change
    assert nearest(given, (), EXISTING) == change


def test_what_is_typed_on_the_command_line_changes_last():
    """It is kept before an answer that somebody gave elsewhere, though that is asked earlier."""
    answers = DEFAULTS | {"window": "session", "sink": "kafka", "output_mode": "update"}

    assert nearest(answers, {"output_mode"}, EXISTING) == {"window": "tumbling"}


def test_the_nearest_set_respects_what_is_not_ready():
    """It is never a set that the next try would refuse."""
    answers = DEFAULTS | {axis: values[-1] for axis, values in AXES.items()}

    assert violations(answers | nearest(answers)) == []


def test_legal_answers_have_nothing_to_change():
    """The nearest set of a legal one is itself."""
    assert nearest(DEFAULTS) == {}


@pytest.mark.parametrize("roles", ["time=event_time", *WITHOUT.values()])
@pytest.mark.parametrize("value", [0, -1])
def test_any_columns_leave_something_to_choose(roles, value):
    """Whatever an event lacks and whatever was answered, a legal set is found."""
    answers = TEXTS | {"event_roles": roles} | {axis: AXES[axis][value] for axis in AXES}

    assert violations(answers | nearest(answers)) == []


def test_events_without_a_key_are_taken_one_by_one():
    """Windows need a key; what goes without one is proposed."""
    assert nearest(DEFAULTS | {"event_roles": WITHOUT["key"]}) == {"window": "none"}


def test_mended_answers_are_legal():
    """Corrections and changes together give answers that pass."""
    answers = DEFAULTS | {
        "project_name": "Robert's 'Tables';",
        "project_slug": "../victim",
        "event_schema": "id STRNG, at TIMESTAMP, kind VARIANT, text text",
        "event_roles": "id=id, time=att, key=kind",
        "trigger": "once",
        "sink": "files",
        "output_mode": "complete",
    }
    healed = make_legal(answers)

    assert violations(healed) == []
    assert healed["event_schema"] == "id STRING, at TIMESTAMP, kind STRING, text STRING"
    assert healed["event_roles"] == "id=id, time=at, key=kind"
    assert healed["trigger"] == "available_now"
    assert healed["output_mode"] == "append"


def test_what_cannot_be_corrected_is_asked_again():
    """A schema without a time is left out, and the roles that spoke of it."""
    healed = make_legal(DEFAULTS | {"event_schema": "id STRING"})

    assert not healed.keys() & {"event_schema", "event_roles"}


@pytest.mark.parametrize("value", ["kafak", "Kafka", "", "nope", None, 3, ["kafka"]])
def test_a_value_that_is_no_choice_is_refused(value):
    """A replay file may hold anything; it is refused, not believed."""
    assert ids({"source": value}) == ["unknown-value"]


def test_complete_mode_is_allowed_with_a_warning():
    """It works, and the watermark removes none of its state."""
    answers = DEFAULTS | {"sink": "jdbc", "output_mode": "complete"}

    assert ids(answers) == []
    assert "never removes the state" in warnings(answers)[0]


@pytest.mark.parametrize("source", ["kafka", "delta"])
def test_a_backlog_is_warned_about_where_time_counts(source):
    """The one global watermark passes unread rows, wherever there is a watermark."""
    answers = DEFAULTS | {"source": source}

    assert len(warnings(answers)) == 1
    assert "global watermark" in warnings(answers)[0]
    assert warnings(answers | {"window": "none"}) == []
