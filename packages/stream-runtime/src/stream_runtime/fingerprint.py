"""The query fingerprint: the parts of a query that a checkpoint pins.

Spark refuses some changed queries on an old checkpoint, but silently accepts others: a longer
window, another aggregate of the same type, another output mode. The fingerprint comes from the
analysed plan, so it shows a change of transform.py as well as one of the configuration.
"""

import io
import re
from contextlib import redirect_stdout

from pyspark.sql import DataFrame

STATEFUL = (
    "Aggregate",
    "Deduplicate",
    "DeduplicateWithinWatermark",
    "EventTimeWatermark",
    "FlatMapGroupsInPandasWithState",
    "Join",
    "TransformWithStateInPandas",
    "TransformWithStateInPySpark",
)

Fingerprint = dict[str, str]


def fingerprint(rows: DataFrame, output_mode: str, **fixed: object) -> Fingerprint:
    """Return named facts about a streaming query; equal queries have equal facts.

    `fixed` has facts that the plan does not show, such as the number of state partitions.
    """
    facts = {"output_mode": output_mode, "result": rows.schema.simpleString()}
    operators: dict[str, list[str]] = {}
    for line in _plan(rows).splitlines():
        name, _, details = line.strip(" :+-~'").partition(" ")
        if name in STATEFUL:
            operators.setdefault(name, []).append(_normal(details))
        elif sizes := _window_sizes(line):
            operators.setdefault("window", []).append(sizes)
    facts |= {name: "; ".join(reversed(details)) for name, details in operators.items()}
    return facts | {name: str(value) for name, value in fixed.items()}


def _plan(rows: DataFrame) -> str:
    """Return the analysed plan, from explain(), which works on Spark Connect as well."""
    with redirect_stdout(io.StringIO()) as printed:
        rows.explain(extended=True)
    _, _, analysed = printed.getvalue().partition("== Analyzed Logical Plan ==\n")
    return analysed.partition("\n== Optimized Logical Plan ==")[0]


def _normal(text: str) -> str:
    """Remove the ids and marks that differ between two analyses."""
    text = re.sub(r"#\d+L?|-T\d+ms", "", text)
    return re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12},? ?", "", text)


def _window_sizes(line: str) -> str:
    """Return slide, length and offset, or gap, of a window; a plan has microseconds."""
    if "precisetimestampconversion" not in line:
        return ""
    if gap := re.search(r"\+ cast\((.+?) as interval\)", line):
        return f"gap {gap[1]}"
    slide = re.search(r"% (\d+)\)", line)
    length = re.search(r"\) - 0\) \+ (\d+)\)", line)
    # Without an offset, Spark writes 0; a checkpoint from before this fact has none.
    offset = re.search(r"- ([1-9]\d*)\) % ", line)
    parts = {"slide": slide, "length": length, "offset": offset}
    return ", ".join(f"{name} {int(found[1]) // 1000} ms" for name, found in parts.items() if found)
