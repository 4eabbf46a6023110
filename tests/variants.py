"""The job variants: all legal ones, and a covering set that has every pair of answers."""

import functools
import itertools

import covertable

from stream_template_rules import AXES, RULES, violations
from stream_template_rules.sinks import SINKS

AUTOMATIC = {"platform": "spark_submit", "spark_version": "auto"}
# The questions whose answers distinguish variants. `auto` is replaced by the values it stands for.
VALUES = {
    axis: [value for value in values if value != "auto"]
    for axis, values in AXES.items()
    if axis not in AUTOMATIC
}
SCHEDULED = {axis: values[0] for axis, values in VALUES.items()} | {"trigger": "available_now"}
"""The first value of each question, as a job whose runs end by themselves."""
NEWEST_SPARK = AXES["spark_version"][1]
# Auto Loader exists only on Databricks; tests use a file source instead.
DATABRICKS = {"source": ("auto_loader",)}
EVENTS = {
    "event_schema": (
        "event_id STRING, event_time TIMESTAMP, event_type STRING, user_id BIGINT, amount DOUBLE"
    ),
    "event_roles": "id=event_id, time=event_time, key=event_type, measure=amount",
}


def complete(variant):
    """Return all answers of a variant, with a platform on which it is legal."""
    platform = "databricks" if variant["source"] in DATABRICKS["source"] else "spark_submit"
    return {**AUTOMATIC, "platform": platform, **variant}


def find_spark(variant):
    """Return the Spark version that runs a variant: the newest that its sink supports."""
    return SINKS[variant["sink"]].newest_spark or NEWEST_SPARK


def is_legal(variant):
    """Return whether no rule refuses the answers; a missing answer breaks no rule."""
    return not violations(complete(variant), RULES)


@functools.cache
def list_all():
    """Return every legal variant, each a dictionary from question to answer."""
    products = itertools.product(*VALUES.values())
    every = (dict(zip(VALUES, values, strict=True)) for values in products)
    return [variant for variant in every if is_legal(variant)]


def list_pairs(variant):
    """Return every pair of the variant's answers."""
    return set(itertools.combinations(sorted(variant.items()), 2))


def choose_each_value(chosen):
    """Return the first of these variants that together have every answer that all of them have."""
    found, covering = set(), []
    for variant in chosen:
        if new := set(variant.items()) - found:
            covering.append(variant)
            found |= new
    return covering


def make_covering_set():
    """Return few variants that together have every pair of answers that any variant has."""
    possible = {axis: {variant[axis] for variant in list_all()} for axis in VALUES}
    factors = {
        axis: [value for value in VALUES[axis] if value in possible[axis]] for axis in VALUES
    }
    rules = [_make_constraint(rule.box) for rule in RULES if rule.box.keys() <= VALUES.keys()]
    # Some rules also read the platform, which follows from the source.
    mixed = {axis for rule in RULES if not rule.box.keys() <= VALUES.keys() for axis in rule.box}
    asked = sorted({"source", *(mixed & VALUES.keys())})
    checked = {
        "operator": "fn",
        "requires": asked,
        "evaluate": lambda row: _is_row_legal(row, asked),
    }
    rows = covertable.make(factors, constraints=[*rules, checked])
    return [{axis: row[axis] for axis in VALUES} for row in rows]


def _is_row_legal(row, axes):
    """Return whether the answers to these questions in a row are legal on its platform."""
    return is_legal({axis: row[axis] for axis in axes})


def _make_constraint(box):
    inside = [{"operator": "in", "left": axis, "values": list(box[axis])} for axis in box]
    return {"operator": "not", "condition": {"operator": "and", "conditions": inside}}


def format_name(variant):
    """Return a short name: the answers, without those that are `none`."""
    return "-".join(value for value in variant.values() if value != "none") or "none"
