"""A comparison of the rules with measurements of Spark 4.2.

data/spark_truth_4_2.csv has, for each query, source, sink and trigger, the output modes that were
tried and those that Spark ran (A append, U update, C complete, - none). These sources and sinks
need no connector. Each of them is compared as a source or sink of the template that behaves alike.
"""

import csv
from pathlib import Path

import pytest

from stream_template_rules import RULES, violations

TABLE = Path(__file__).parent / "data" / "spark_truth_4_2.csv"
MEASURED = list(csv.DictReader(TABLE.read_text("utf-8").splitlines()))
MODES = {"A": "append", "U": "update", "C": "complete"}
QUERIES = {
    "stateless": ("none", "none", "none"),
    "tumbling": ("tumbling", "none", "none"),
    "sliding": ("sliding", "none", "none"),
    "session": ("session", "none", "none"),
    "dedup_within_wm": ("none", "none", "deduplicate"),
    "chain:dedup_within_wm>agg": ("tumbling", "none", "deduplicate"),
    "ssjoin:inner:range": ("none", "stream_inner", "none"),
    "ssjoin:left_outer:range": ("none", "stream_left", "none"),
    "chain:ssjoin(range)>agg": ("tumbling", "stream_inner", "none"),
    "static_join:left_outer": ("none", "static_lookup", "none"),
    "static_join_broadcast": ("none", "static_lookup", "none"),
    "transformWithState": ("none", "none", "custom"),
    "chain:tws(eventTime)>agg": ("tumbling", "none", "custom"),
}
TRIGGERS = {
    "processingTime": "processing_time",
    "availableNow": "available_now",
    "once": "available_now",
    "continuous": "continuous",
    "realTime": "real_time",
}
SINKS = {"parquet": "files", "console": "console", "noop": "console", "foreachBatch": "jdbc"}
SPARK = tuple(rule for rule in RULES if rule.kind == "spark")
# These rules need a connector, an older version, or a join with a row-by-row source. The
# measurements have none of these; tests/test_rules_and_spark.py tests the rules.
NOT_MEASURED = {
    "continuous-no-lookup",
    "delta-no-update",
    "iceberg-no-update",
    "inner-join-update",
    "low-latency-no-stream-join",
    "real-time-spark-4.2",
}


def find_source(row):
    """Return the template's source that Spark treats like the measured one."""
    row_by_row = {"continuous": "rate", "realTime": "lowlatency-memory"}
    return "kafka" if row["source"] == row_by_row.get(row["trigger"], row["source"]) else "files"


def read_cases():
    """Yield each measured query as (answers, whether Spark ran it)."""
    for row in MEASURED:
        if (row["sink"], row["trigger"]) == ("noop", "realTime"):
            continue  # Real-time mode refuses noop, but accepts each similar sink of the template.
        window, join, state = QUERIES[row["query"]]
        for letter in row["measured"]:
            answers = {
                "platform": "spark_submit",
                "source": find_source(row),
                "window": window,
                "join": join,
                "state": state,
                "sink": SINKS[row["sink"]],
                "output_mode": MODES[letter],
                "trigger": TRIGGERS[row["trigger"]],
                "spark_version": "4.2",
            }
            yield answers, letter in row["accepted"]


def find_differences(rules):
    """Return the measured queries on which the rules disagree with Spark."""
    return [
        (answers, ran) for answers, ran in read_cases() if (not violations(answers, rules)) != ran
    ]


def test_the_rules_agree_with_the_measurements():
    """A rule of kind spark refuses a set of answers if and only if Spark refused the query."""
    assert find_differences(SPARK) == []
    assert len(list(read_cases())) > 800


@pytest.mark.parametrize("rule", SPARK, ids=lambda rule: rule.id)
def test_a_missing_rule_is_detected(rule):
    """The comparison can fail: without the rule, a query that Spark refused counts as legal."""
    others = tuple(other for other in SPARK if other != rule)

    assert (find_differences(others) == []) == (rule.id in NOT_MEASURED)
