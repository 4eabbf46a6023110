"""The rules against what Spark 4.2 really did with some hundred queries.

data/spark_truth_4_2.csv holds, for each query, source, sink and trigger, the output modes that
were tried and those that Spark ran (A append, U update, C complete, - none). Sources and sinks are
the ones that need no connector; those of the template that behave alike stand for them here.
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
# Shown in test_spark_says.py: by connectors, by older versions, by a row-by-row source of a join.
ELSEWHERE = {
    "continuous-no-lookup",
    "delta-no-update",
    "iceberg-no-update",
    "inner-join-update",
    "low-latency-no-stream-join",
    "real-time-spark-4.2",
}


def source_of(row):
    """Return the template's source that Spark treats like the measured one here."""
    row_by_row = {"continuous": "rate", "realTime": "lowlatency-memory"}
    return "kafka" if row["source"] == row_by_row.get(row["trigger"], row["source"]) else "files"


def cases():
    """Each measured query as (answers, whether Spark ran it)."""
    for row in MEASURED:
        if (row["sink"], row["trigger"]) == ("noop", "realTime"):
            continue  # no sink of the template is as narrow as noop there
        window, join, state = QUERIES[row["query"]]
        for letter in row["measured"]:
            answers = {
                "platform": "spark_submit",
                "source": source_of(row),
                "window": window,
                "join": join,
                "state": state,
                "sink": SINKS[row["sink"]],
                "output_mode": MODES[letter],
                "trigger": TRIGGERS[row["trigger"]],
                "spark_version": "4.2",
            }
            yield answers, letter in row["accepted"]


def judged_otherwise(rules):
    """Return the measured queries on which the rules disagree with Spark."""
    return [(answers, ran) for answers, ran in cases() if (not violations(answers, rules)) != ran]


def test_rules_of_kind_spark_say_what_spark_did():
    """A set is refused by a rule of kind spark exactly where Spark refused the query."""
    assert judged_otherwise(SPARK) == []
    assert len(list(cases())) > 800


@pytest.mark.parametrize("rule", SPARK, ids=lambda rule: rule.id)
def test_a_missing_rule_is_seen(rule):
    """The comparison can fail: without a rule, what Spark refused would be called legal."""
    others = tuple(other for other in SPARK if other != rule)

    assert (judged_otherwise(others) == []) == (rule.id in ELSEWHERE)
