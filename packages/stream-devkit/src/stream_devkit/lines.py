"""The test oracle's parser of a file of JSON lines: Python's json module, without Spark.

It finds lines that are invalid, and values of the job that differ from the line.
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pyspark.sql import types as T
from stream_runtime.records import EventSchema
from stream_runtime.values import TimeForms

from .events.paths import find
from .ordinary import ImpossibleError, Number, Repeated, UndecidedError, read

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
MAX_BYTES, MAX_BRACKETS = 20_000_000, 1000
BEYOND = re.compile(rb'[-+.\deE]{1000}|"[^"]{50000}|NaN|Infinity')
"""The lines that the job can refuse and Python reads: long numbers and names, NaN, Infinity."""


def first_wrong(
    source: Path,
    counted: Mapping[int, str],
    refused: Mapping[int, str],
    schema: EventSchema,
    kinds: T.StructType,
    forms: TimeForms,
) -> str | None:
    """Return the first line, numbered from 1, that job and Python read differently, and why.

    Args:
        source: the file of lines.
        counted: the job's event of each valid line, as JSON.
        refused: the reason of each line in quarantine.
        schema: the roles of the columns.
        kinds: the types of the columns.
        forms: the forms of a time.
    """
    with source.open("rb") as file:
        for number, line in enumerate(file, 1):
            text = line.removeprefix(BYTE_ORDER_MARK) if number == 1 else line
            wrong = None
            if number in counted:
                wrong = _wrongly_counted(text, counted[number], schema, kinds, forms)
            elif number in refused:
                wrong = _wrongly_refused(text, refused[number], schema, kinds, forms)
            if wrong:
                return f"{source.name}:{number}: {wrong}"
    return None


def _wrongly_counted(
    line: bytes, counted: str, schema: EventSchema, kinds: T.StructType, forms: TimeForms
) -> str | None:
    try:
        values = event_in(line, schema)
    except RecursionError:
        return None
    except ValueError as error:
        return f"the job counts this line, but {error}"
    found = _decoded(counted)
    for field in kinds:
        path = schema.path(field.name)
        mine, theirs = find(values, path), found[field.name]
        if not _is_repeated(values, path) and _differ(field.dataType, mine, theirs, forms):
            name = schema.sent_as(field.name)
            return f"the job reads {theirs!r} in {name}, but the line says {mine!r}"
    return None


def _wrongly_refused(
    line: bytes, reason: str, schema: EventSchema, kinds: T.StructType, forms: TimeForms
) -> str | None:
    if reason != "malformed" and not reason.startswith("missing_"):
        return None
    brackets = line.count(b"{") + line.count(b"[")
    if len(line) > MAX_BYTES or brackets > MAX_BRACKETS or BEYOND.search(line):
        return None
    sent = T.StructType([field for field in kinds if field.name in schema.sent])
    try:
        read(sent, event_in(line, schema), forms)
    except (RecursionError, ValueError, UndecidedError):
        return None
    return f"the job puts this line in quarantine as {reason}, but it is an event"


def event_in(line: bytes, schema: EventSchema) -> dict[str, Any]:
    """Return the fields of a line as in JSON, numbers as text.

    Raises:
        ValueError: the line is not an event.
        RecursionError: the line is nested deeper than Python's recursion limit.
    """
    try:
        fields = _decoded(line.decode())
    except ValueError as error:
        message = f"it is not one JSON object: {error}"
        raise ValueError(message) from error
    if not isinstance(fields, dict):
        message = "it is not one JSON object"
        raise ValueError(message)
    for name in filter(None, (schema.time, schema.id, *schema.keys)):
        value = find(fields, schema.path(name))
        if value is None or (name == schema.id and value == ""):
            message = f"it has no {schema.sent_as(name)}"
            raise ValueError(message)
    return fields


def _decoded(text: str) -> Any:
    return json.loads(
        text,
        parse_int=Number,
        parse_float=Number,
        parse_constant=Number,
        object_pairs_hook=lambda pairs: (
            found if len(found := dict(pairs)) == len(pairs) else Repeated(pairs)
        ),
    )


def _is_repeated(values: dict[str, Any], path: Sequence[str]) -> bool:
    """Return whether an object on the path has a duplicate name."""
    return any(isinstance(find(values, path[:depth]), Repeated) for depth in range(len(path)))


def _differ(kind: T.DataType, mine: Any, theirs: Any, forms: TimeForms) -> bool:
    """Return whether the values of job and line differ, both as in JSON."""
    if mine is None or theirs is None:
        return mine is not theirs
    try:
        wanted = read(kind, mine, forms)
    except ImpossibleError:
        return True
    except UndecidedError:
        return False
    try:
        return bool(wanted != read(kind, theirs, forms))
    except UndecidedError:
        return True
