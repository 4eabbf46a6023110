"""The rules against Spark itself: what the installed version says to a covering set of answers.

Every composition of operators meets every output mode and kind of trigger; every sink every mode
and kind of trigger; every source every trigger. Compositions that the template does not make are
checked by Spark, but not started, and so are sliding windows, one operator with tumbling ones.
Older versions were asked the same, by this module: data/spark_older.csv holds those answers of
theirs (PySpark 4.1.3 and 4.0.4) that are others than those of 4.2.0, and those about sinks that
have no connector for it.
"""

import csv
import itertools
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from oracle import generated
from verdicts import Asker, Verdict

from stream_template_rules import AXES, RULES, Rule
from stream_template_rules.axes import inside
from stream_template_rules.sinks import SINKS
from tests.shapes import DATABRICKS
from tests.sparks import VERSION

pytestmark = pytest.mark.spark

OLDER = Path(__file__).parent / "data" / "spark_older.csv"
SPARK = tuple(rule for rule in RULES if rule.kind == "spark")
TRIGGERS = ("processing_time", "available_now", "continuous", "real_time")
OPERATORS = tuple(itertools.product(AXES["window"], AXES["join"], AXES["state"]))
COMPOSED = [shape for shape in OPERATORS if generated(*shape)]
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
# How Spark puts it. A refusal in other words has another cause, and proves nothing.
SAYS = {
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
    # The check of operators comes too late for custom state: it looks for its files before.
    "low-latency-no-state": f"{NOT_ROW_BY_ROW}|STDS_FAILED_TO_READ_OPERATOR_METADATA",
    "low-latency-sink": (
        "'foreachBatch' is not supported with continuous trigger"
        "|Unknown type of trigger: ContinuousTrigger"
        "|The sink.* not in the sink allowlist for Real-Time Mode"
    ),
    "real-time-update-only": "The output mode (Append|Complete) is not supported",
    "real-time-spark-4.2": "unexpected keyword argument 'realTime'",
}


def cases(version=VERSION):
    """The covering set of answers for a version of Spark, and whether to start each."""
    for shape, mode in itertools.product(OPERATORS, AXES["output_mode"]):
        start = shape in COMPOSED and "sliding" not in shape
        answers = PLAIN | _operators(shape) | {"output_mode": mode}
        yield answers | {"source": "files"}, start
        yield answers | {"trigger": "continuous"}, start
    for shape in COMPOSED:
        yield PLAIN | _operators(shape) | {"trigger": "real_time"}, True
    sinks = [name for name, sink in SINKS.items() if version <= (sink.newest_spark or version)]
    for sink, mode, trigger in itertools.product(sinks, AXES["output_mode"], TRIGGERS[1:]):
        window = "tumbling" if trigger == "available_now" else "none"
        ends = {"sink": sink, "output_mode": mode, "trigger": trigger, "window": window}
        yield PLAIN | ends, True
    # Only Databricks has Auto Loader.
    sources = [source for source in AXES["source"] if source not in DATABRICKS["source"]]
    for source, trigger in itertools.product(sources, TRIGGERS):
        yield PLAIN | {"source": source, "trigger": trigger}, True


def _operators(shape):
    return dict(zip(("window", "join", "state"), shape, strict=True))


@pytest.fixture(scope="module", name="asker")
def _asker(spark, stage, tmp_path_factory):
    return Asker(spark, stage.broker, tmp_path_factory.mktemp("verdicts"))


@pytest.fixture(scope="module", name="asked")
def _asked(asker):
    """What the installed Spark says to each case."""
    return [(answers, asker.ask(answers, start=start)) for answers, start in cases()]


@pytest.fixture(scope="module", name="verdicts")
def _verdicts(asked):
    """All verdicts there are, those of the older versions too."""
    older = {}
    for row in csv.DictReader(OLDER.read_text("utf-8").splitlines()):
        verdict = Verdict(row.pop("accepted") == "yes", row.pop("said"))
        older[frozenset((PLAIN | row).items())] = verdict
    newest = {frozenset(answers.items()): verdict for answers, verdict in asked}
    other = [
        (answers, answers | {"spark_version": version})
        for version in ("4.1", "4.0")
        for answers, _ in cases(version)
    ]
    return asked + [
        (there, older.get(frozenset(there.items())) or newest[frozenset(answers.items())])
        for answers, there in other
    ]


def speaking(answers, rules=SPARK):
    """The rules that refuse the answers."""
    return [rule for rule in rules if inside(answers, rule.box)]


def differences(verdicts, rules):
    """Return the answers on which the rules disagree with Spark."""
    return [
        (answers, verdict)
        for answers, verdict in verdicts
        if verdict.accepted == bool(speaking(answers, rules))
    ]


def test_spark_refuses_exactly_what_the_rules_refuse(asked):
    """Both ways: what a rule of kind spark refuses does not run, and all else does."""
    counts = Counter(verdict.accepted for _, verdict in asked)

    assert differences(asked, SPARK) == []
    assert counts[True] > 100
    assert counts[False] > 200


def test_older_versions_refuse_what_the_rules_refuse(verdicts):
    """What was measured of the versions that are not installed agrees as well."""
    assert differences(verdicts, SPARK) == []
    assert len({answers["spark_version"] for answers, _ in verdicts} | {VERSION}) == 3


@pytest.mark.parametrize("rule", SPARK, ids=lambda rule: rule.id)
def test_a_rule_of_kind_spark_is_spark_s_own(verdicts, rule):
    """Where this rule alone speaks, Spark refuses, and for the reason that the rule gives."""
    said = [verdict.said for answers, verdict in verdicts if speaking(answers) == [rule]]

    assert said
    assert [text for text in said if not re.search(SAYS[rule.id], text)] == []


def test_every_refusal_has_a_reason_that_a_rule_gives(verdicts):
    """Spark never refuses for a cause of the test's own making, such as a missing jar."""
    unexplained = [
        (answers, verdict.said)
        for answers, verdict in verdicts
        if not verdict.accepted
        and not any(re.search(SAYS[rule.id], verdict.said) for rule in speaking(answers))
    ]

    assert unexplained == []


def mutations():
    """The rules of kind spark, each time with one mistake."""
    invented = Rule("invented", "spark", {"sink": ("jdbc",), "output_mode": ("complete",)}, "", "")
    yield "one too many", (*SPARK, invented)
    for rule in SPARK:
        others = tuple(other for other in SPARK if other != rule)
        yield f"{rule.id} deleted", others
        for axis, values in rule.box.items():
            wider = {other: listed for other, listed in rule.box.items() if other != axis}
            yield f"{rule.id} whatever the {axis}", (*others, replace(rule, box=wider))
            for value in values if len(values) > 1 else ():
                fewer = tuple(other for other in values if other != value)
                smaller = replace(rule, box={**rule.box, axis: fewer})
                yield f"{rule.id} without {axis}={value}", (*others, smaller)


# Auto Loader is on Databricks alone. Complete mode needs a window, and the trigger has none.
UNSEEN = {
    "low-latency-source without source=auto_loader",
    "real-time-update-only without output_mode=complete",
}


@pytest.mark.parametrize(("mistake", "rules"), list(mutations()))
def test_a_mistake_in_a_rule_is_seen(verdicts, mistake, rules):
    """The comparison can fail: it does so for every rule, value and question of a box."""
    assert (differences(verdicts, rules) == []) == (mistake in UNSEEN)


def test_custom_state_needs_rocksdb(asker):
    """Spark refuses custom state in its default store: `state.store` is no question, but pinned."""
    custom = PLAIN | {"state": "custom", "source": "files"}

    refused = asker.ask(custom, store=DEFAULT_STORE)

    assert asker.ask(custom).accepted
    assert not refused.accepted
    assert re.search("STORE_BACKEND_NOT_SUPPORTED_FOR_TWS|MULTIPLE_COLUMN_FAMILIES", refused.said)
