{% set job = cookiecutter | stream_plan %}
{% set newest_by = "RESULT_KEY" if job.windowed else "RESULT_KEY, EVENT_TIME" %}
"""The target of the job on this machine: tables of text on its standard output."""

import json
import re
import unicodedata
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from stream_devkit.events.values import NESTED, base_of
from stream_devkit.results import {{ "from_json, newest" if job.write_disposition == "merge" else "from_json" }}
from stream_devkit.servers.local import Servers
from stream_devkit.verdict import Row

{% if job.write_disposition == "merge" %}
from {{ cookiecutter.__package }}.schema import {{ newest_by if job.windowed else "EVENT_TIME, RESULT_KEY" }}

{% endif %}
from dev.results import KINDS

TABLE = re.compile(r"^Batch: (\d+)\n-+\n\+((?:-+\+)+)\n(.*)\n\+[-+]+\n((?:\|.*\n)*)", re.MULTILINE)
"""The output of a batch: its id, the widths of the columns, their names, the rows."""


class Target:
    """The file with the standard output of the job, which `JobProcess` separates from its log."""

    PLACE = "the terminal"

    def __init__(self, _: Servers, folder: Path, __: str) -> None:
        self._output = folder / "job.out"
        # Spark shows at most `sink.num_rows` rows of a batch.
        self.settings = {"sink.num_rows": "1000000"}
        """The settings with which the job shows all rows."""

    def rows(self) -> list[Row]:
        """Return the current result; a batch that was shown twice counts once.

        Spaces at the end of a text are lost, and the text `NULL` is read as null.
        """
        if not self._output.exists():
            return []
        tables = TABLE.findall(self._output.read_text("utf-8"))
        batches = {int(number): _rows(*table) for number, *table in tables}
{% if job.write_disposition == "append" %}
        return [row for _, rows in sorted(batches.items()) for row in rows]
{% elif job.write_disposition == "replace" %}
        return batches[max(batches)] if batches else []
{% else %}
        return newest(
            (row for _, rows in sorted(batches.items()) for row in rows), {{ newest_by }}
        )
{% endif %}


def _rows(border: str, header: str, lines: str) -> list[Row]:
    widths = [len(dashes) for dashes in border.split("+")[:-1]]
    names = _cells(header, widths)
    rows = (zip(names, _cells(line, widths), strict=True) for line in lines.splitlines())
    return [from_json(KINDS, {name: _value(name, text) for name, text in row}) for row in rows]


def _cells(line: str, widths: Sequence[int]) -> list[str]:
    """Return the texts between the bars; a text can contain a bar, so the widths decide."""
    cells, begin = [], 1
    for width in widths:
        end, filled = begin, 0
        while filled < width:
            filled += 2 if unicodedata.east_asian_width(line[end]) in "FW" else 1
            end += 1
        cells.append(line[begin:end].rstrip())
        begin = end + 1
    return cells


def _value(name: str, text: str) -> Any:
    if text == "NULL":
        return None
    if name in KINDS and base_of(KINDS[name]) not in NESTED:
        return text
    # A column that the owner has added has no type: what looks like a number is one.
    try:
        return json.loads(text, parse_float=Decimal)
    except ValueError:
        return text
