"""The plan, which depends only on the answers: pins, jars, names, delivery guarantees."""

import csv
import itertools
import re
import tomllib

import pytest
from stream_runtime.java import NEWEST_JAVA

from stream_template_rules import AXES, PINS, guarantee, plan, record
from stream_template_rules.pins import SPARKS
from stream_template_rules.plan import VERSION
from tests.examples import ROOT

DEFAULTS = {
    "project_name": "Clickstream Metrics",
    "project_slug": "clickstream-metrics",
    "event_schema": "event_id STRING, event_time TIMESTAMP, event_type STRING",
    "event_roles": "id=event_id, time=event_time, key=event_type",
} | {axis: values[0] for axis, values in AXES.items()}


def test_the_default_project_has_only_its_dependencies():
    """The default project depends on Kafka and Delta, not on PostgreSQL."""
    job = plan(DEFAULTS)

    assert job["jars"] == {
        "connectors": [
            "io.delta:delta-spark_4.2_2.13:4.4.0",
            "org.apache.spark:spark-sql-kafka-0-10_2.13:4.2.0",
        ],
        "broker": ["org.apache.kafka:kafka_2.13:4.1.1", "org.slf4j:slf4j-simple:1.7.36"],
    }
    assert job["versions"]["pyspark"] == "4.2.0"
    assert "psycopg" not in job["versions"]


@pytest.mark.parametrize("spark", SPARKS)
def test_jars_and_packages_follow_the_spark_version(spark):
    """The connectors are built for the chosen Spark version."""
    job = plan(DEFAULTS | {"spark_version": spark})
    pyspark = SPARKS[spark].pyspark
    tokens = job["jars"]["connectors"][2:]

    assert job["versions"]["pyspark"] == pyspark
    assert job["jars"]["connectors"][:2] == [
        f"io.delta:delta-spark_{spark}_2.13:4.4.0",
        f"org.apache.spark:spark-sql-kafka-0-10_2.13:{pyspark}",
    ]
    assert [jar.rpartition(":")[2] for jar in tokens] == list(filter(None, [SPARKS[spark].tokens]))


@pytest.mark.parametrize("version", SPARKS)
def test_documents_name_the_java_that_the_runtime_accepts(version):
    """The long-term releases in documents are those up to the newest Java of a Spark version."""
    accepted = [java for java in (17, 21, 25) if java <= NEWEST_JAVA.get(version, java)]

    assert list(map(int, re.findall(r"\d+", SPARKS[version].java))) == accepted


def test_a_choice_adds_its_dependencies():
    """PostgreSQL needs a Java and a Python driver, and neither Kafka nor Delta."""
    job = plan(DEFAULTS | {"source": "files", "sink": "jdbc"})

    assert job["jars"] == {"connectors": ["org.postgresql:postgresql:42.7.7"]}
    assert {"psycopg==3.3.9", "psycopg-binary==3.3.9"} <= set(job["requirements"]["run"])
    assert not {"confluent-kafka", "delta-spark", "deltalake"} & job["versions"].keys()


@pytest.mark.parametrize(
    ("answers", "store"),
    [
        ({}, "default"),
        ({"window": "session", "output_mode": "complete"}, "default"),
        ({"state": "deduplicate"}, "rocksdb"),
        ({"state": "custom", "window": "none"}, "rocksdb"),
        ({"join": "stream_inner"}, "rocksdb"),
        ({"join": "static_lookup"}, "default"),
    ],
)
def test_large_state_is_in_rocksdb(answers, store):
    """State that grows with the events is in RocksDB; open windows are in Spark's default store."""
    assert plan(DEFAULTS | answers)["state_store"] == store


def test_the_right_input_matches_the_left():
    """Key and id of the right input have the types of the left; names in a result do not clash."""
    schema = "id BIGINT, time TIMESTAMP, value STRING, Right_id INT"

    right = plan(
        DEFAULTS
        | {
            "join": "stream_inner",
            "event_schema": schema,
            "event_roles": "id=id, time=time, key=value",
        }
    )["right"]

    assert right.columns == {
        "id": "BIGINT",
        "time": "TIMESTAMP",
        "value": "STRING",
        "value_": "DOUBLE",
    }
    assert (right.key, right.measure, right.prefix) == ("value", "value_", "right__")


def test_columns_of_a_visit_have_unused_names():
    """A column that custom state adds has no name of an event's column, in any case of letters."""
    schema = "id STRING, at TIMESTAMP, kind STRING, {}n DOUBLE"
    plain, taken = (
        plan(
            DEFAULTS
            | {
                "state": "custom",
                "window": "none",
                "event_schema": schema.format(more),
                "event_roles": "id=id, time=at, key=kind, measure=n",
            }
        )["visit"]
        for more in ("", "Visit_Start INT, visit_start_ INT, ")
    )

    assert plain == {"start": "visit_start", "number": "visit_event", "mean": "recent_n"}
    assert taken == {part: f"{name}__" for part, name in plain.items()}


def test_the_label_has_an_unused_name():
    """The lookup's label has no name of an event's column, nor of a total."""
    schema = "id STRING, at TIMESTAMP, total STRING, label DOUBLE"

    job = plan(
        DEFAULTS | {"event_schema": schema, "event_roles": "time=at, key=total, measure=label"}
    )

    assert job["shown"]["totals"] == "`total_label`"
    assert job["label"] == "total_label_"


def test_each_measure_has_a_total():
    """Documents list the measures as a sentence does, and their totals as columns."""
    schema = "at TIMESTAMP, kind STRING, a INT, b DOUBLE, c INT, total_kind_label INT"

    job = plan(
        DEFAULTS | {"event_schema": schema, "event_roles": "time=at, key=kind, measure=c+a+b"}
    )

    assert job["measures"] == ("c", "a", "b")
    assert job["shown"]["measures"] == "`c`, `a` and `b`"
    assert job["shown"]["any_measure"] == "`c`, `a` or `b`"
    assert job["shown"]["totals"] == "`total_c`, `total_a`, `total_b`"


@pytest.mark.parametrize(
    ("key", "limit"), [("a", 1000), ("n", 1000), ("n+a", 1000), ("a+b", 666), ("a+b+c+d", 400)]
)
def test_texts_of_a_key_share_an_entry_of_the_index(key, limit):
    """An entry of the index is limited: the more texts, the shorter each one can be."""
    schema = "id STRING, at TIMESTAMP, a STRING, b STRING, c STRING, d STRING, n INT"
    answers = DEFAULTS | {"sink": "jdbc", "event_schema": schema}

    assert plan(answers | {"event_roles": f"id=id, time=at, key={key}"})["longest_key"] == limit
    assert plan(answers | {"event_roles": "id=id, time=at"})["longest_key"] == 0


def test_documents_show_names_unchanged():
    """Documents escape back quotes and vertical bars in column names."""
    schema = "`a|b` TIMESTAMP, `c``d` STRING"

    job = plan(DEFAULTS | {"event_schema": schema, "event_roles": "time=`a|b`, key=`c``d`"})

    assert job["shown"]["time"] == "`a|b`"
    assert job["cells"]["time"] == "`a\\|b`"
    assert job["shown"]["key"] == "`` c`d ``"
    assert job["shown"]["result_key"] == "`window_start`, `window_end`, `` c`d ``"


def test_a_name_is_one_cell_of_a_csv_file():
    """A column name with commas and quotes is one cell in the header of the lookup table."""
    schema = '`a,"b"` STRING, t TIMESTAMP'

    job = plan(DEFAULTS | {"event_schema": schema, "event_roles": 'time=t, key=`a,"b"`'})

    assert next(csv.reader([job["reference_header"]])) == ['a,"b"', 'a,"b"_label']


def test_requirements_are_the_versions_by_group():
    """Each package is in one group, at its exact version."""
    job = plan(DEFAULTS)
    listed = list(itertools.chain.from_iterable(job["requirements"].values()))

    assert sorted(listed) == sorted(f"{n}=={v}" for n, v in job["versions"].items())
    assert list(job["requirements"]) == ["run", "local", "dev"]


def test_the_template_uses_the_versions_of_projects():
    """A package in the environment of the template has the version that projects pin."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    own = dict(one.split("==") for one in extras["optional-dependencies"]["dev"])
    pinned = {pin.name: pin.version.format(pyspark=SPARKS["4.2"].pyspark) for pin in PINS}
    shared = own.keys() & pinned.keys()

    assert {name: own[name] for name in shared} == {name: pinned[name] for name in shared}
    assert {"pyspark", "delta-spark", "confluent-kafka"} <= shared


def test_every_guarantee_is_one_sentence():
    """The guarantee of each source, sink and trigger is a sentence that starts with its kind."""
    axes = {axis: AXES[axis] for axis in ("source", "sink", "trigger")}
    for values in itertools.product(*axes.values()):
        text = guarantee(DEFAULTS | dict(zip(axes, values, strict=True)))
        assert text.startswith(("Exactly once ", "At least once ", "None: "))
        assert text.endswith(".")
        assert text.count(". ") == 0
        assert not {"{", "}"} & set(text)


@pytest.mark.parametrize(
    ("answers", "start"),
    [
        (
            {},
            "Exactly once into the Delta table: a batch replay after a crash reads the same offs",
        ),
        ({"sink": "jdbc", "source": "delta"}, "Exactly once into PostgreSQL: a batch replay"),
        ({"sink": "files", "source": "files"}, "Exactly once for readers of _spark_metadata"),
        ({"sink": "kafka"}, "At least once into the Kafka topic: a batch"),
        ({"sink": "kafka", "trigger": "continuous"}, "At least once into the Kafka topic: after"),
        ({"sink": "console"}, "None: "),
        ({"sink": "iceberg"}, "Exactly once into the Iceberg table: a batch replay"),
    ],
)
def test_the_guarantee_depends_on_source_sink_and_trigger(answers, start):
    """The guarantee is exactly once only if the sink detects a batch replay."""
    assert guarantee(DEFAULTS | answers).startswith(start)


def test_the_record_has_the_given_answers():
    """The record in pyproject.toml keeps `auto`, so that an update resolves it again."""
    private = {"__package": "clickstream_metrics", "_template": "somewhere"}

    assert record(DEFAULTS | private) == {"version": VERSION, "answers": DEFAULTS}
