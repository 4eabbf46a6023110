"""The test oracle's own reading of a file of JSON lines: Python's json module, without Spark.

It says which lines cannot be an event. It does not convert values: those come from the job.
"""

import json
from collections.abc import Iterable
from pathlib import Path

from .records import EventSchema

BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def first_wrong(source: Path, counted: Iterable[int], schema: EventSchema) -> str | None:
    """The first line, numbered from 1, that the job counts and that holds no event, and why."""
    numbers = set(counted)
    with source.open("rb") as file:
        for number, line in enumerate(file, 1):
            text = line.removeprefix(BYTE_ORDER_MARK) if number == 1 else line
            if number in numbers and (fault := fault_of(text, schema)):
                return f"{source.name}:{number}: the job counts this line, but {fault}"
    return None


def fault_of(line: bytes, schema: EventSchema) -> str | None:
    """Why a line holds no event, None where nothing speaks against one.

    Numbers may be NaN or Infinity, as the job allows in columns that are no measure. A text that
    is nested deeper than Python can follow is left to the job.
    """
    try:
        # Numbers stay text: Python limits the digits of those that it converts.
        value = json.loads(line.decode(), parse_int=str, parse_float=str)
    except RecursionError:
        return None
    except ValueError as error:
        return f"it is not one JSON object: {error}"
    if not isinstance(value, dict):
        return "it is not one JSON object"
    required = [name for name in (schema.time, schema.id, schema.key) if name]
    missing = [name for name in required if value.get(name) is None]
    return f"it has no {missing[0]}" if missing else None
