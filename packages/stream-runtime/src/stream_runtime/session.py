"""The Spark session of the job; each setting has its reason."""

import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Any, Literal

import pyspark
from py4j.protocol import Py4JJavaError
from pydantic import PositiveInt
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from .causes import JVM_LOSS, cause_of
from .config import Table
from .errors import SetupError, StreamFailedError
from .java import java_problem

AT_ANY_TIME = {
    # Windows and timestamps as text are the same on every machine.
    "spark.sql.session.timeZone": "UTC",
    # A second start in one session must fail, not silently stop the first stream.
    "spark.sql.streaming.stopActiveRunOnRestart": "false",
    # A report can have 1 MiB of invalid records, and the driver's Java keeps 100 by default.
    "spark.sql.streaming.numRecentProgressUpdates": "5",
    # The checkpoint's fingerprint reads whole plans, wide schemas included.
    "spark.sql.debug.maxToStringFields": "10000",
    # Spark disables it for stateful streams anyway, with a warning at each start.
    "spark.sql.adaptive.enabled": "false",
}

AT_THE_START = {
    # Spark's own pattern misses API keys and abbreviated passwords.
    "spark.redaction.regex": "(?i)secret|passw|pwd|token|(access|api).?key|credential|jaas|ssl.key",
    "spark.ui.showConsoleProgress": "false",
}

SERVERLESS = ("spark.sql.session.timeZone", "spark.sql.shuffle.partitions")
"""The settings of the job that Databricks allows on serverless compute."""

LOCAL = {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    # Several jobs and tests share a machine; each UI would need its own port.
    "spark.ui.enabled": "false",
    "spark.sql.warehouse.dir": "build/warehouse",
}

STORES = {
    # Explicit, because the session of a platform can have another provider.
    "default": {
        "spark.sql.streaming.stateStore.providerClass": (
            "org.apache.spark.sql.execution.streaming.state.HDFSBackedStateStoreProvider"
        ),
    },
    "rocksdb": {
        "spark.sql.streaming.stateStore.providerClass": (
            "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider"
        ),
        # Without this setting each batch uploads a snapshot of all state.
        "spark.sql.streaming.stateStore.rocksdb.changelogCheckpointing.enabled": "true",
    },
}


class Session(Table):
    """The table `[session]`: settings that spark-submit and the platform do not set."""

    platform: Literal["own", "databricks", "serverless"] = "own"
    """The owner of the session: the job, or the Databricks compute that provides it."""
    master: str | None = None
    jars: Path | None = None
    log_config: Path | None = None
    java_options: str = ""
    """Options of the Java that the job starts, such as `-XX:+UseSerialGC`."""


class State(Table):
    """The table `[state]`: the first batch of a checkpoint pins both settings."""

    store: Literal["default", "rocksdb"] = "default"
    """`default` keeps the state in the memory of the JVM, `rocksdb` on the executors' disks."""
    partitions: PositiveInt = 2
    """The number of partitions of the state, and of the cores that process it in parallel."""


def build(name: str, session: Session, state: State, extra: Mapping[str, str]) -> SparkSession:
    """Return the session of one job; `extra` has the Spark settings of its source and sink.

    Raises:
        SetupError: there is no usable Java, SPARK_HOME is another Spark, or `session.jars` has no
            jars.
    """
    changeable = {
        **AT_ANY_TIME,
        # Spark's default is 200: each empty task costs 30 ms in every batch.
        "spark.sql.shuffle.partitions": str(state.partitions),
        **STORES[state.store],
    }
    if session.platform != "own":
        return _given(changeable, session.platform)
    require_spark()
    conf: dict[str, bool | float | int | str | None] = {**AT_THE_START, **changeable, **extra}
    if session.master:
        if problem := java_problem(pyspark.__version__):
            raise SetupError(problem)
        conf |= {"spark.master": session.master, **LOCAL}
        # Otherwise workers start the first python3 on the PATH.
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    if session.jars:
        conf["spark.jars"] = _jars(session.jars)
    if options := _java_options(session):
        conf["spark.driver.extraJavaOptions"] = options
    builder = SparkSession.builder.appName(name).config(map=conf)
    _start_java(conf)
    return builder.getOrCreate()


def _java_options(session: Session) -> str:
    options = [session.java_options] if session.java_options else []
    if session.log_config:
        options.append(f"-Dlog4j2.configurationFile={session.log_config.resolve().as_uri()}")
    return " ".join(options)


def warm_up(spark: SparkSession) -> Thread:
    """Run a small query beside the start; return its thread.

    The analysis of the job's query uses one core. The others load meanwhile what the first batch
    needs: code generation, a shuffle, the reading of JSON. It ends about 3 s earlier.
    """
    thread = Thread(target=_run_small_query, args=(spark,), daemon=True)
    thread.start()
    return thread


def _run_small_query(spark: SparkSession) -> None:
    # The start can end before this query, and the session with it.
    with suppress(Exception):
        number = F.from_json(F.lit('{"a":1}'), "a INT")["a"]
        rows = spark.range(2).groupBy("id").agg(F.sum(number))
        rows.write.format("noop").mode("overwrite").save()


def _start_java(conf: Mapping[str, Any]) -> None:
    """Start Java with the settings that are no secret: they are arguments that everybody can read.

    The session gets the others later. Settings of the running session would not be the same: Spark
    writes these to its event log with their values.
    """
    # Where there is only Spark Connect, PySpark lacks both.
    from pyspark import SparkConf, SparkContext  # noqa: PLC0415

    hidden = re.compile(AT_THE_START["spark.redaction.regex"])
    plain = [(name, str(value)) for name, value in conf.items() if not hidden.search(name)]
    if len(plain) < len(conf):
        java = SparkConf(loadDefaults=False).setAll(plain)
        SparkContext._ensure_initialized(conf=java)  # noqa: SLF001 - PySpark has no other way


def require_spark() -> None:
    """Raise SetupError if PySpark would start another Spark than its own: that in SPARK_HOME."""
    home, version = os.environ.get("SPARK_HOME"), pyspark.__version__
    # spark-submit has started its Spark already, with this PySpark.
    if home is None or "PYSPARK_GATEWAY_PORT" in os.environ:
        return
    jars = (jar.name for jar in Path(home, "jars").glob("spark-core_*.jar") if home)
    found = [match[1] for jar in jars if (match := re.search(r"-(\d+\.\d+\.\d+)", jar))]
    if version not in found:
        what = f"Spark {', '.join(found)}" if found else "no Spark"
        message = (
            f"SPARK_HOME={home} has {what}, and PySpark {version} would start it. Run `unset "
            f"SPARK_HOME`, or set it to the folder of Spark {version}."
        )
        raise SetupError(message)


def _given(changeable: Mapping[str, str], platform: str) -> SparkSession:
    """Return the platform's session; deploy/databricks.yml has the settings for its start."""
    spark = SparkSession.builder.getOrCreate()
    for name, value in changeable.items():
        if platform == "databricks" or name in SERVERLESS:
            spark.conf.set(name, value)
    return spark


def close(spark: SparkSession, session: Session) -> None:
    """Stop the session, unless the platform provides it."""
    if session.platform == "own":
        # With its JVM, a session is gone as well.
        with suppress(*JVM_LOSS):
            spark.stop()


@contextmanager
def require_jvm() -> Iterator[None]:
    """Report the loss of the JVM as the error that ends the job.

    Raises:
        StreamFailedError: a call found no JVM.
    """
    try:
        yield
    except Py4JJavaError:
        # The JVM has answered.
        raise
    except JVM_LOSS as loss:
        message = (
            f"Spark's JVM is gone ({cause_of(loss)}): out of memory, or killed. Nothing is lost; "
            "look into its log, then start again."
        )
        raise StreamFailedError(message) from loss


def _jars(folder: Path) -> str:
    jars = sorted(str(path) for path in folder.glob("*.jar"))
    if not jars:
        message = f"There are no jars in {folder} (session.jars). Run `make jars`."
        raise SetupError(message)
    return ",".join(jars)
