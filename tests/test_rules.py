"""The rules: what each one refuses and accepts, and which answers a refusal proposes instead."""

import re
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

SEVERAL = ("several",)
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
TWICE = {
    "event_schema": f"{SCHEMA}, bytes BIGINT, day DATE",
    "event_roles": "id=event_id, time=event_time, key=event_type+day, measure=amount+bytes",
}
ALL_RULES = RULES + ROLE_RULES
NAMED_ANSWER = re.compile(r"(\w+)=([\w.]*\w)")
TEMPLATES = Path(__file__).parent.parent / "templates"


def list_ids(answers, rules=ALL_RULES):
    """Return the ids of all violations."""
    return [violation.id for violation in violations(answers, rules)]


def make_answers(rule):
    """Return only the answers that the rule reads, with values that it refuses."""
    answers = {axis: values[0] for axis, values in rule.box.items() if axis in AXES}
    parts = [part for part in rule.box if part not in AXES]
    if SEVERAL in rule.box.values():
        return answers | TEXTS | TWICE
    return answers | (TEXTS | _make_columns(parts[0]) if parts else {})


def _make_columns(part):
    """Return a schema or roles that lack a role, or have a name that a sink does not accept."""
    if part.startswith("delta"):
        return SPACED
    return LONG if part.startswith("postgres") else {"event_roles": WITHOUT[part]}


@pytest.mark.parametrize("rule", ALL_RULES, ids=lambda rule: rule.id)
def test_a_rule_refuses_its_box(rule):
    """Answers inside the box are refused with the rule's id, kind, reason and fix."""
    found = {one.id: one for one in violations(make_answers(rule), ALL_RULES)}

    assert rule.id in found
    violation = found[rule.id]
    assert (violation.kind, violation.reason, violation.fix) == (rule.kind, rule.reason, rule.fix)


@pytest.mark.parametrize("rule", ALL_RULES, ids=lambda rule: rule.id)
def test_a_rule_accepts_answers_outside_its_box(rule):
    """If one answer is not in the box, the rule does not refuse the answers."""
    for axis in rule.box:
        for value in AXES.get(axis, ()):
            if value not in rule.box[axis] and value != "auto":
                assert rule.id not in list_ids({**make_answers(rule), axis: value})


@pytest.mark.parametrize("rule", ALL_RULES, ids=lambda rule: rule.id)
def test_a_rule_needs_all_its_answers(rule):
    """A rule does not apply if one of its answers is missing."""
    for axis in rule.box:
        answers = make_answers(rule)
        answers.pop(axis if axis in AXES else "event_roles")
        assert rule.id not in list_ids(answers)


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
def test_a_name_is_refused_only_if_the_sink_has_it(schema, roles, answers, refused):
    """A column name is refused only if the system that does not support it stores the column."""
    texts = {"event_schema": f"at TIMESTAMP, {schema}", "event_roles": f"time=at, {roles}"}
    found = [name for name in list_ids(texts | answers) if name.endswith(("-names", "-name"))]

    assert bool(found) is refused


@pytest.mark.parametrize("texts", [SPACED, LONG])
@pytest.mark.parametrize("sink", AXES["sink"])
def test_the_nearest_answers_support_the_column_names(texts, sink):
    """The nearest answers have a sink that accepts the column names."""
    answers = DEFAULTS | texts | {"sink": sink}

    assert violations(answers | nearest(answers)) == []


def test_rules_are_well_formed():
    """Boxes and fixes have existing questions and values, ids are unique, texts are sentences."""
    for rule in ALL_RULES:
        for axis, values in rule.box.items():
            assert set(values) <= set(AXES.get(axis, ("missing", "several", "no"))), rule.id
        assert rule.reason.endswith(".")
        assert rule.fix.startswith(("Choose ", "Name "))
        named = [pair for pair in NAMED_ANSWER.findall(rule.fix) if pair[0] in AXES]
        assert named, rule.id
        assert all(value in AXES[axis] for axis, value in named), rule.id
    assert len({rule.id for rule in ALL_RULES}) == len(ALL_RULES)


@pytest.mark.parametrize("axis", [axis for axis in AXES if axis != "spark_version"])
def test_each_value_has_a_folder(axis):
    """Each value has a folder under templates/, and each folder there belongs to a value."""
    folders = {folder.name for folder in (TEMPLATES / axis).iterdir() if folder.is_dir()}

    # `none` adds nothing to a job, except in the question about windows.
    assert folders - {"none"} == set(AXES[axis]) - {"none", "auto"}


def test_the_defaults_are_legal():
    """The default answers break no rule."""
    assert violations(DEFAULTS) == []


def test_all_violations_are_found_at_once():
    """One validation finds all violations, in texts and in combinations."""
    answers = DEFAULTS | {
        "project_slug": "json",
        "window": "session",
        "sink": "delta",
        "output_mode": "update",
    }

    assert list_ids(answers) == ["slug-taken", "session-no-update", "delta-no-update"]


def test_a_violation_names_the_value_of_auto():
    """A violation marks a value that `auto` stands for."""
    answers = {"platform": "databricks", "join": "stream_inner", "output_mode": "update"}
    [violation] = violations(answers | {"spark_version": "auto"}, RULES)

    assert violation.clash == "join=stream_inner, output_mode=update, spark_version=4.1 (auto)"


def test_answers_that_need_a_newer_spark_than_the_platform_are_refused():
    """Databricks has no Spark 4.2, so answers that need it are refused before the version."""
    answers = {"platform": "databricks", "join": "stream_inner", "output_mode": "update"}

    assert list_ids(answers) == ["inner-join-update"]
    assert list_ids(answers | {"platform": "spark_submit"}) == []


@pytest.mark.parametrize(
    ("platform", "trigger", "spark"),
    [
        ("spark_submit", "processing_time", "4.2"),
        ("kubernetes", "processing_time", "4.2"),
        ("databricks", "processing_time", "4.1"),
        ("databricks_serverless", "available_now", "4.0"),
    ],
)
def test_auto_depends_on_the_platform(platform, trigger, spark):
    """`auto` is a trigger that the platform supports, and its newest Spark version."""
    answers = {"platform": platform, "trigger": "auto", "spark_version": "auto"}

    assert resolved(answers) == {"trigger": trigger, "spark_version": spark}


def test_auto_is_unknown_without_a_platform():
    """Without a platform, `auto` resolves to no value."""
    assert resolved({"trigger": "auto", "spark_version": "auto"}) == {}


def test_the_nearest_set_changes_the_last_question():
    """Among several smallest changes, the change of the question asked last is proposed."""
    answers = DEFAULTS | {"window": "session", "sink": "kafka", "output_mode": "update"}

    assert nearest(answers, (), ALL_RULES) == {"output_mode": "append"}


def test_the_nearest_set_is_the_smallest():
    """One change that removes several violations is nearer than several changes."""
    answers = DEFAULTS | {"trigger": "continuous"}

    assert len(list_ids(answers)) == 2
    assert nearest(answers, AXES, ALL_RULES) == {"trigger": "auto"}


@pytest.mark.parametrize(
    ("given", "change"),
    [
        ({"state": "custom"}, {"window": "none"}),
        ({"source": "auto_loader"}, {"platform": "databricks"}),
        ({"trigger": "continuous"}, {"window": "none", "sink": "kafka"}),
        ({"join": "stream_left", "output_mode": "complete"}, {"join": "none"}),
    ],
)
def test_defaults_change_before_chosen_answers(given, change):
    """A chosen answer is kept if changes of defaults make it legal."""
    assert nearest(DEFAULTS | given, (), ALL_RULES) == change
    assert nearest(given, (), ALL_RULES) == change


def test_answers_of_the_command_line_change_last():
    """An answer of the command line is kept rather than an answer to an earlier question."""
    answers = DEFAULTS | {"window": "session", "sink": "kafka", "output_mode": "update"}

    assert nearest(answers, {"output_mode"}, ALL_RULES) == {"window": "tumbling"}


def test_the_nearest_set_breaks_no_rule():
    """The nearest set breaks no rule, even if all answers are the last values."""
    answers = DEFAULTS | {axis: values[-1] for axis, values in AXES.items()}

    assert violations(answers | nearest(answers)) == []


def test_legal_answers_need_no_change():
    """The nearest set of legal answers changes nothing."""
    assert nearest(DEFAULTS) == {}


@pytest.mark.parametrize(
    "texts",
    [{"event_roles": roles} for roles in ("time=event_time", *WITHOUT.values())] + [TWICE],
    ids=lambda texts: texts["event_roles"],
)
@pytest.mark.parametrize("value", [0, -1])
def test_a_legal_set_exists_for_any_roles(texts, value):
    """For any roles and any answers, a legal set is found."""
    answers = TEXTS | texts | {axis: AXES[axis][value] for axis in AXES}

    assert violations(answers | nearest(answers)) == []


def test_only_sessions_need_a_key():
    """Events without a key can have windows; instead of sessions, tumbling windows are proposed."""
    without = DEFAULTS | {"event_roles": WITHOUT["key"]}

    assert all(violations(without | {"window": window}) == [] for window in ("tumbling", "sliding"))
    assert list_ids(without | {"window": "session"}) == ["session-needs-key"]
    assert nearest(without | {"window": "session"}) == {"window": "tumbling"}


def test_a_violation_says_which_role_has_several_columns():
    """A violation names the role with several columns, besides the answer that needs one."""
    found = violations(DEFAULTS | TWICE | {"window": "none", "state": "custom"})

    assert [violation.clash for violation in found] == [
        f"several columns as {role} in event_roles, state=custom" for role in ("key", "measure")
    ]


def test_totals_have_names_that_the_sink_takes():
    """The name of each total is one that the sink takes, and the first measure is not enough."""
    names = f"a INT, {'m' * 60} INT, `a b` INT"
    texts = {"event_schema": f"at TIMESTAMP, k STRING, {names}"}

    for measures, sink, rule in (
        (f"a+{'m' * 60}", "jdbc", "jdbc-result-names"),
        ("a+`a b`", "delta", "delta-result-names"),
    ):
        roles = {"event_roles": f"time=at, key=k, measure={measures}"}
        assert list_ids(texts | roles | {"window": "tumbling", "sink": sink}) == [rule]
        assert list_ids(texts | roles | {"window": "tumbling", "sink": "kafka"}) == []


def test_corrected_answers_are_legal():
    """Corrections of texts and changes of choices together give legal answers."""
    answers = DEFAULTS | {
        "project_name": "Robert's 'Tables';",
        "project_slug": "../victim",
        "event_schema": "id STRNG, at TIMESTAMP, kind VARIANT, text text",
        "event_roles": "id=id, time=att, key=kind",
        "trigger": "once",
        "sink": "files",
        "output_mode": "complete",
    }
    corrected = make_legal(answers)

    assert violations(corrected) == []
    assert corrected["event_schema"] == "id STRING, at TIMESTAMP, kind STRING, text STRING"
    assert corrected["event_roles"] == "id=id, time=at, key=kind"
    assert corrected["trigger"] == "available_now"
    assert corrected["output_mode"] == "append"


def test_answers_that_cannot_be_corrected_are_removed():
    """A schema without a time is removed together with its roles, so they are asked again."""
    corrected = make_legal(DEFAULTS | {"event_schema": "id STRING"})

    assert not corrected.keys() & {"event_schema", "event_roles"}


@pytest.mark.parametrize("value", ["kafak", "Kafka", "", "nope", None, 3, ["kafka"]])
def test_an_unknown_value_is_refused(value):
    """A value that the question does not have is refused, because a replay file can contain any."""
    assert list_ids({"source": value}) == ["unknown-value"]


def test_complete_mode_is_legal_with_a_warning():
    """Complete mode works, but a warning says that the watermark never removes its state."""
    answers = DEFAULTS | {"sink": "jdbc", "output_mode": "complete"}

    assert list_ids(answers) == []
    assert "never removes the state" in warnings(answers)[0]


@pytest.mark.parametrize("source", ["kafka", "delta"])
def test_a_backlog_is_warned_about_if_the_job_has_a_watermark(source):
    """A backlog makes rows late, because the global watermark passes rows that are unread."""
    answers = DEFAULTS | {"source": source}

    assert len(warnings(answers)) == 1
    assert "global watermark" in warnings(answers)[0]
    assert warnings(answers | {"window": "none"}) == []
