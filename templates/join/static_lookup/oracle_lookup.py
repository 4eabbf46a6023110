"""The lookup of the test oracle: reads the reference table without Spark."""

import csv
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from stream_devkit.reconciliation import Expected, Row
from stream_runtime.errors import ConfigError

from {{ cookiecutter.__package }} import schema
from {{ cookiecutter.__package }}.lookup import LABEL
from {{ cookiecutter.__package }}.settings import Settings


def labelled(found: Expected, settings: Settings) -> Expected:
    """Return the result with the label of each row's key.

    Raises ConfigError if the reference table is not a CSV file.
    """
    labels = _labels(settings)

    def with_labels(rows: Iterable[Row]) -> list[Row]:
        return [{**row, LABEL: labels.get(str(row[schema.KEY]))} for row in rows]

    return replace(found, rows=with_labels(found.rows), waiting=with_labels(found.waiting))


def _labels(settings: Settings) -> dict[str, str]:
    if settings.lookup.format != "csv":
        message = "A file run reads the reference table from CSV: name a file with --lookup."
        raise ConfigError(message)
    with Path(settings.lookup.path).open(encoding="utf-8", newline="") as file:
        return {row[schema.KEY]: row[LABEL] for row in csv.DictReader(file)}
