"""The rules agree with the oracle of the rules, over every set of answers."""

import itertools
import math

import pytest
from oracle import is_legal

from stream_template_rules import AXES, RULES, violations
from stream_template_rules.axes import inside

VALUES = {axis: [value for value in values if value != "auto"] for axis, values in AXES.items()}
# Also implied by two others; they are there to say why.
IMPLIED = {"real-time-not-databricks", "iceberg-no-auto-loader"}
# The same for single values of a box.
IDLE = {
    "left-join-append-only": {("output_mode", "complete")},
    "low-latency-source": {("source", "auto_loader")},
    "real-time-update-only": {("output_mode", "complete")},
    "serverless-available-now": {("trigger", "continuous"), ("trigger", "real_time")},
    "continuous-not-databricks": {("platform", "databricks_serverless")},
    "real-time-not-databricks": {
        ("trigger", "real_time"),
        ("platform", "databricks"),
        ("platform", "databricks_serverless"),
    },
    "iceberg-no-low-latency": {("trigger", "real_time")},
    "iceberg-no-auto-loader": {("sink", "iceberg"), ("source", "auto_loader")},
}


@pytest.fixture(scope="module", name="broken")
def _broken():
    """Return the broken rules of each set of answers."""
    return {
        values: frozenset(
            problem.id for problem in violations(dict(zip(VALUES, values, strict=True)), RULES)
        )
        for values in itertools.product(*VALUES.values())
    }


@pytest.fixture(scope="module", name="accepted")
def _accepted(broken):
    return {values: is_legal(*values) for values in broken}


def differences(broken, accepted, without=frozenset()):
    """Return the number of sets on which the rules, without some, disagree with the oracle."""
    return sum((not ids - without) != accepted[values] for values, ids in broken.items())


def test_every_set_of_answers_is_judged_as_by_the_oracle(broken, accepted):
    """Rules and oracle agree on the whole product of answers."""
    assert len(broken) == math.prod(map(len, VALUES.values()))
    assert differences(broken, accepted) == 0


@pytest.mark.parametrize("rule", [rule.id for rule in RULES])
def test_without_any_one_rule_the_oracle_objects(broken, accepted, rule):
    """The comparison can fail: a missing rule is seen, unless others imply it."""
    assert (differences(broken, accepted, {rule}) == 0) == (rule in IMPLIED)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_value_of_a_rule_counts(broken, rule):
    """Without any one value of a box the oracle would object, unless other rules say it too."""
    alone = [
        set(zip(VALUES, values, strict=True)) for values in broken if broken[values] == {rule.id}
    ]
    listed = {(axis, value) for axis, values in rule.box.items() for value in values}

    assert listed - set().union(*alone) == IDLE.get(rule.id, set())


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_question_of_a_rule_counts(broken, rule):
    """Whatever the answer to any one question of a box, the oracle would object."""
    good = [dict(zip(VALUES, values, strict=True)) for values, ids in broken.items() if not ids]
    for axis in rule.box:
        wider = {other: listed for other, listed in rule.box.items() if other != axis}
        assert any(inside(answers, wider) for answers in good)


def test_auto_is_judged_like_the_value_it_stands_for():
    """`auto` is legal exactly where the trigger and version it resolves to are."""
    stands_for = {
        "databricks": ("processing_time", "4.1"),
        "databricks_serverless": ("available_now", "4.0"),
    }
    axes = {
        axis: values for axis, values in VALUES.items() if axis not in {"trigger", "spark_version"}
    }
    for values in itertools.product(*axes.values()):
        answers = dict(zip(axes, values, strict=True), trigger="auto", spark_version="auto")
        newest = "4.1" if answers["sink"] == "iceberg" else "4.2"
        trigger, spark = stands_for.get(answers["platform"], ("processing_time", newest))
        if answers["platform"] == "databricks_serverless" and answers["state"] == "custom":
            spark = "4.1"
        assert (not violations(answers, RULES)) == is_legal(*values, trigger, spark), answers
