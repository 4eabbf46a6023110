"""The lookup of a test oracle: reads the reference table without Spark."""

import csv
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from stream_runtime.errors import ConfigError

from stream_devkit.reconciliation import Result, Row


class Reference(Protocol):
    """The table `[lookup]` of the settings."""

    @property
    def format(self) -> str:
        """The format of the reference table."""

    @property
    def path(self) -> str:
        """The place of the reference table."""


def look_up(found: Result, reference: Reference, key: str, column: str) -> Result:
    """Return the result with a column of the reference table, null for an unknown key.

    Raises:
        ConfigError: the reference table is not a CSV file.
    """
    if reference.format != "csv":
        message = "A file run reads the reference table from CSV: name a file with --lookup."
        raise ConfigError(message)
    with Path(reference.path).open(encoding="utf-8", newline="") as file:
        values = {row[key]: row[column] for row in csv.DictReader(file)}

    def extend(rows: Iterable[Row]) -> list[Row]:
        return [{**row, column: values.get(str(row[key]))} for row in rows]

    return replace(found, rows=extend(found.rows), pending=extend(found.pending))
