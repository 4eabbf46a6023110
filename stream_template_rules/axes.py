"""The questions: their values, and the meaning of `auto`."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from .sinks import SINKS
from .sources import SOURCES

# A box names some axes and, for each, some of its values. Rules, warnings, guarantees and pins
# use boxes, so that documents and pages can show them unchanged.
Box = Mapping[str, tuple[str, ...]]
Answers = Mapping[str, Any]
Row = TypeVar("Row")

AXES: dict[str, tuple[str, ...]] = {
    "platform": ("spark_submit", "kubernetes", "databricks", "databricks_serverless"),
    "source": tuple(SOURCES),
    "window": ("tumbling", "sliding", "session", "none"),
    "join": ("none", "static_lookup", "stream_inner", "stream_left"),
    "state": ("none", "deduplicate", "custom"),
    "sink": tuple(SINKS),
    "output_mode": ("append", "update", "complete"),
    "trigger": ("auto", "processing_time", "available_now", "continuous", "real_time"),
    "spark_version": ("auto", "4.2", "4.1", "4.0"),
}
TEXTS = ("project_name", "project_slug", "event_schema", "event_roles")
QUESTIONS = (*TEXTS, *AXES)
TEXT_DEFAULTS = {
    "project_name": "Clickstream Metrics",
    "event_schema": "event_id STRING, event_time TIMESTAMP, event_type STRING, "
    "user_id BIGINT, amount DOUBLE",
}

# The meaning of `auto`: the value of the first box that contains the answers.
AUTO: dict[str, tuple[tuple[Box, str], ...]] = {
    "trigger": (
        ({"platform": ("databricks_serverless",)}, "available_now"),
        ({}, "processing_time"),
    ),
    "spark_version": (
        ({"platform": ("databricks",)}, "4.1"),
        # The client of 4.0 does not support it.
        ({"platform": ("databricks_serverless",), "state": ("custom",)}, "4.1"),
        ({"platform": ("databricks_serverless",)}, "4.0"),
        *(
            ({"sink": (name,)}, sink.newest_spark)
            for name, sink in SINKS.items()
            if sink.newest_spark
        ),
        ({}, "4.2"),
    ),
}


def select(rows: Mapping[str, Row], trait: Callable[[Row], bool]) -> tuple[str, ...]:
    """Return the values whose rows have a trait, as a box lists them."""
    return tuple(value for value, row in rows.items() if trait(row))


def inside(answers: Answers, box: Box) -> bool:
    """Return whether every axis of the box is answered with one of the values the box lists."""
    return all(answers.get(axis) in values for axis, values in box.items())


def look_up(table: Iterable[tuple[Box, str]], answers: Answers) -> str:
    """Return the text of the first box that the answers lie in."""
    return next(text for box, text in table if inside(answers, box))


def resolved(answers: Answers) -> dict[str, str]:
    """Return the meaning of `auto`, for the axes where it is certain.

    A Spark version that is not answered yet counts as `auto`, the newest version of platform and
    sink: what is too new for it is too new for every other answer.
    """
    if "platform" not in answers:
        return {}
    unasked = {"spark_version": "auto"}
    asked = {axis: answers.get(axis, unasked.get(axis)) for axis in AUTO}
    return {
        axis: look_up(AUTO[axis], answers) for axis, answer in asked.items() if answer == "auto"
    }
