"""A comparison of the rules with Spark, for a covering set of answers.

The set has each combination of operators with each output mode and kind of trigger, each sink with
each mode and kind of trigger, and each source with each trigger. Spark checks all queries. It does
not start combinations that the template does not generate, nor sliding windows, which Spark runs
with the same operator as tumbling windows.

data/spark_older.csv has responses of PySpark 4.1.3 and 4.0.4 to the same queries, recorded with
this module: those that differ from 4.2.0, and those about sinks without a connector for 4.2.0.
"""

import csv
import itertools
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from oracle import is_generated
from spark_probe import Response, SparkProbe

from stream_template_rules import AXES, RULES, Rule
from stream_template_rules.axes import inside
from stream_template_rules.sinks import SINKS
from tests.sparks import VERSION
from tests.variants import DATABRICKS

pytestmark = pytest.mark.spark

OLDER = Path(__file__).parent / "data" / "spark_older.csv"
SPARK = tuple(rule for rule in RULES if rule.kind == "spark")
TRIGGERS = ("processing_time", "available_now", "continuous", "real_time")
OPERATORS = tuple(itertools.product(AXES["window"], AXES["join"], AXES["state"]))
GENERATED = [operators for operators in OPERATORS if is_generated(*operators)]
PLAIN = {
    "platform": "spark_submit",
    "source": "kafka",
    "window": "none",
    "join": "none",
    "state": "none",
    "sink": "console",
    "output_mode": "update",
    "trigger": "available_now",
    "spark_version": VERSION,
}
DEFAULT_STORE = "org.apache.spark.sql.execution.streaming.state.HDFSBackedStateStoreProvider"

NOT_ROW_BY_ROW = (
    "Continuous processing does not support EventTimeWatermark operations"
    "|The operator.* not in the operator allowlist for Real-Time Mode"
)
# Patterns of Spark's messages. A refusal with another message has another cause.
MESSAGES = {
    "complete-needs-window": "complete.* not supported for no streaming aggregations",
    "session-no-update": "update.* not supported for session window streaming aggregations",
    "files-append-only": "not supported in Data Source parquet",
    "delta-no-update": "DeltaDataSource does not support Update output mode",
    "iceberg-no-update": "requirement failed: .* does not support Update mode",
    "left-join-append-only": "(?i)join between two streaming .* only in Append output mode",
    "inner-join-no-complete": "(?i)join between two streaming .* not supported in Complete",
    "inner-join-update": "(?i)join between two streaming .* not supported in Update",
    "low-latency-source": (
        "Continuous processing does not support StreamingRelation"
        "|The input stream .* is not supported in Real-time Mode"
    ),
    "low-latency-no-window": NOT_ROW_BY_ROW,
    "low-latency-no-stream-join": NOT_ROW_BY_ROW,
    "continuous-no-lookup": "Continuous processing does not support LocalRelation",
    # With custom state, Spark reads files of the state before it checks the operators.
    "low-latency-no-state": f"{NOT_ROW_BY_ROW}|STDS_FAILED_TO_READ_OPERATOR_METADATA",
    "low-latency-sink": (
        "'foreachBatch' is not supported with continuous trigger"
        "|Unknown type of trigger: ContinuousTrigger"
        "|The sink.* not in the sink allowlist for Real-Time Mode"
    ),
    "real-time-update-only": "The output mode (Append|Complete) is not supported",
    "real-time-spark-4.2": "unexpected keyword argument 'realTime'",
}


def make_cases(version=VERSION):
    """Yield (answers, whether to start the query) of the covering set for a Spark version."""
    for operators, mode in itertools.product(OPERATORS, AXES["output_mode"]):
        start = operators in GENERATED and "sliding" not in operators
        answers = PLAIN | _name_operators(operators) | {"output_mode": mode}
        yield answers | {"source": "files"}, start
        yield answers | {"trigger": "continuous"}, start
    for operators in GENERATED:
        yield PLAIN | _name_operators(operators) | {"trigger": "real_time"}, True
    sinks = [name for name, sink in SINKS.items() if version <= (sink.newest_spark or version)]
    for sink, mode, trigger in itertools.product(sinks, AXES["output_mode"], TRIGGERS[1:]):
        window = "tumbling" if trigger == "available_now" else "none"
        ends = {"sink": sink, "output_mode": mode, "trigger": trigger, "window": window}
        yield PLAIN | ends, True
    # Only Databricks has Auto Loader.
    sources = [source for source in AXES["source"] if source not in DATABRICKS["source"]]
    for source, trigger in itertools.product(sources, TRIGGERS):
        yield PLAIN | {"source": source, "trigger": trigger}, True


def _name_operators(operators):
    return dict(zip(("window", "join", "state"), operators, strict=True))


@pytest.fixture(scope="module", name="probe")
def _probe(spark, services, tmp_path_factory):
    return SparkProbe(spark, services.broker, tmp_path_factory.mktemp("probe"))


@pytest.fixture(scope="module", name="newest_responses")
def _newest_responses(probe):
    """Provide (answers, response of the installed Spark) for each case."""
    return [(answers, probe.probe(answers, start=start)) for answers, start in make_cases()]


@pytest.fixture(scope="module", name="responses")
def _responses(newest_responses):
    """Provide (answers, response) for each case and each version of Spark."""
    older = {}
    for row in csv.DictReader(OLDER.read_text("utf-8").splitlines()):
        response = Response(row.pop("accepted") == "yes", row.pop("message"))
        older[frozenset((PLAIN | row).items())] = response
    newest = {frozenset(answers.items()): response for answers, response in newest_responses}
    older_cases = [
        (answers, answers | {"spark_version": version})
        for version in ("4.1", "4.0")
        for answers, _ in make_cases(version)
    ]
    return newest_responses + [
        (answers, older.get(frozenset(answers.items())) or newest[frozenset(same.items())])
        for same, answers in older_cases
    ]


def find_rules(answers, rules=SPARK):
    """Return the rules that refuse the answers."""
    return [rule for rule in rules if inside(answers, rule.box)]


def find_differences(responses, rules):
    """Return the answers on which the rules disagree with Spark."""
    return [
        (answers, response)
        for answers, response in responses
        if response.accepted == bool(find_rules(answers, rules))
    ]


def test_spark_refuses_exactly_what_the_rules_refuse(newest_responses):
    """The installed Spark refuses what a rule of kind spark refuses, and accepts all other sets."""
    counts = Counter(response.accepted for _, response in newest_responses)

    assert find_differences(newest_responses, SPARK) == []
    assert counts[True] > 100
    assert counts[False] > 200


def test_older_versions_refuse_what_the_rules_refuse(responses):
    """The recorded responses of older versions agree with the rules, too."""
    assert find_differences(responses, SPARK) == []
    assert len({answers["spark_version"] for answers, _ in responses} | {VERSION}) == 3


@pytest.mark.parametrize("rule", SPARK, ids=lambda rule: rule.id)
def test_spark_refuses_for_the_reason_of_the_rule(responses, rule):
    """If only this rule refuses a set, Spark refuses it with the message that belongs to it."""
    messages = [
        response.message for answers, response in responses if find_rules(answers) == [rule]
    ]

    assert messages
    assert [text for text in messages if not re.search(MESSAGES[rule.id], text)] == []


def test_every_refusal_has_the_reason_of_a_rule(responses):
    """Spark never refuses because of an error in the test, such as a missing jar."""
    unexplained = [
        (answers, response.message)
        for answers, response in responses
        if not response.accepted
        and not any(re.search(MESSAGES[rule.id], response.message) for rule in find_rules(answers))
    ]

    assert unexplained == []


def mutate_rules():
    """Yield (name of the error, rules of kind spark with one error)."""
    invented = Rule("invented", "spark", {"sink": ("jdbc",), "output_mode": ("complete",)}, "", "")
    yield "one rule too many", (*SPARK, invented)
    for rule in SPARK:
        others = tuple(other for other in SPARK if other != rule)
        yield f"{rule.id} deleted", others
        for axis, values in rule.box.items():
            wider = {other: listed for other, listed in rule.box.items() if other != axis}
            yield f"{rule.id} for any {axis}", (*others, replace(rule, box=wider))
            for value in values if len(values) > 1 else ():
                fewer = tuple(other for other in values if other != value)
                smaller = replace(rule, box={**rule.box, axis: fewer})
                yield f"{rule.id} without {axis}={value}", (*others, smaller)


# Errors that no case detects: Auto Loader exists only on Databricks, and complete mode needs a
# window, which a real-time trigger does not support.
UNDETECTED = {
    "low-latency-source without source=auto_loader",
    "real-time-update-only without output_mode=complete",
}


@pytest.mark.parametrize(("error", "rules"), list(mutate_rules()))
def test_an_error_in_a_rule_is_detected(responses, error, rules):
    """The comparison can fail: it detects an error in each rule, value and question of a box."""
    assert (find_differences(responses, rules) == []) == (error in UNDETECTED)


def test_only_sessions_need_a_key(probe):
    """Spark refuses sessions without a key in a stream; 4.1.3 and 4.0.4 do so too."""
    files = PLAIN | {"source": "files", "key": "missing", "output_mode": "append"}
    responses = {w: probe.probe(files | {"window": w}) for w in ("tumbling", "sliding", "session")}

    assert [window for window, found in responses.items() if not found.accepted] == ["session"]
    assert "Global aggregation with session window" in responses["session"].message


def test_custom_state_needs_rocksdb(probe):
    """Spark refuses custom state in its default state store, so the template sets RocksDB."""
    custom = PLAIN | {"state": "custom", "source": "files"}

    refused = probe.probe(custom, store=DEFAULT_STORE)

    assert probe.probe(custom).accepted
    assert not refused.accepted
    assert re.search(
        "STORE_BACKEND_NOT_SUPPORTED_FOR_TWS|MULTIPLE_COLUMN_FAMILIES", refused.message
    )
