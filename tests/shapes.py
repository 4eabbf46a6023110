"""The jobs that are generated: all of them, and few that have every pair of answers together."""

import functools
import itertools

import covertable

from stream_template_rules import AXES, RULES, violations
from stream_template_rules.sinks import SINKS

AUTOMATIC = {"platform": "spark_submit", "spark_version": "auto"}
# What makes a job another one. Values of `auto` are those they stand for.
PARTS = {
    axis: [value for value in values if value != "auto"]
    for axis, values in AXES.items()
    if axis not in AUTOMATIC
}
NEWEST_SPARK = AXES["spark_version"][1]
# Auto Loader exists on Databricks only; here a file source replaces it.
DATABRICKS = {"source": ("auto_loader",)}
EVENTS = {
    "event_schema": (
        "event_id STRING, event_time TIMESTAMP, event_type STRING, user_id BIGINT, amount DOUBLE"
    ),
    "event_roles": "id=event_id, time=event_time, key=event_type, measure=amount",
}


def whole(parts):
    """All answers of a job, on the platform where it is legal."""
    platform = "databricks" if parts["source"] in DATABRICKS["source"] else "spark_submit"
    return {**AUTOMATIC, "platform": platform, **parts}


def spark_of(parts):
    """The version of Spark that runs a job: the newest that its sink has a connector for."""
    return SINKS[parts["sink"]].newest_spark or NEWEST_SPARK


def legal(parts):
    """Whether a job with these parts is generated; those that are missing speak for nothing."""
    return not violations(whole(parts), RULES)


@functools.cache
def every():
    """Every job that is generated, as its parts."""
    jobs = (dict(zip(PARTS, values, strict=True)) for values in itertools.product(*PARTS.values()))
    return [parts for parts in jobs if legal(parts)]


def pairs(parts):
    """Every two of its answers."""
    return set(itertools.combinations(sorted(parts.items()), 2))


def covering():
    """Few jobs that together have every pair of answers that any job has."""
    possible = {axis: {parts[axis] for parts in every()} for axis in PARTS}
    factors = {axis: [value for value in PARTS[axis] if value in possible[axis]] for axis in PARTS}
    rules = [_constraint(rule.box) for rule in RULES if rule.box.keys() <= PARTS.keys()]
    # Rules that ask for the platform as well: it follows from the source.
    mixed = {axis for rule in RULES if not rule.box.keys() <= PARTS.keys() for axis in rule.box}
    asked = sorted({"source", *(mixed & PARTS.keys())})
    checked = {"operator": "fn", "requires": asked, "evaluate": lambda row: _may_be(row, asked)}
    rows = covertable.make(factors, constraints=[*rules, checked])
    return [{axis: row[axis] for axis in PARTS} for row in rows]


def _may_be(row, axes):
    """Whether nothing speaks against these answers of a row, on its platform."""
    return legal({axis: row[axis] for axis in axes})


def _constraint(box):
    inside = [{"operator": "in", "left": axis, "values": list(box[axis])} for axis in box]
    return {"operator": "not", "condition": {"operator": "and", "conditions": inside}}


def name(parts):
    """A short name: its answers, but for those that are `none`."""
    return "-".join(value for value in parts.values() if value != "none") or "none"
