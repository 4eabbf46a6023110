"""The Spark session of the job, each setting with its reason."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import PositiveInt
from pyspark.sql import SparkSession

from .config import Table
from .errors import SetupError
from .java import java_problem

AT_ANY_TIME = {
    # Windows and rendered timestamps mean the same on every machine.
    "spark.sql.session.timeZone": "UTC",
    # A second start in one session must fail, not silently stop the first stream.
    "spark.sql.streaming.stopActiveRunOnRestart": "false",
    # The checkpoint's fingerprint reads whole plans, wide schemas included.
    "spark.sql.debug.maxToStringFields": "10000",
    # Spark turns it off for stateful streams in any case, with a warning at each start.
    "spark.sql.adaptive.enabled": "false",
}

AT_THE_START = {
    # Spark's own pattern misses API keys and abbreviated passwords.
    "spark.redaction.regex": "(?i)secret|passw|pwd|token|access[.]?key|api[.]?key|credential|jaas",
    "spark.ui.showConsoleProgress": "false",
}

SERVERLESS = ("spark.sql.session.timeZone", "spark.sql.shuffle.partitions")
"""Of what the job sets, all that Databricks lets it set on serverless compute."""

LOCAL = {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    # Several jobs and tests share a machine; each UI would look for a port of its own.
    "spark.ui.enabled": "false",
    "spark.sql.warehouse.dir": "build/warehouse",
}

STORES = {
    # Set explicitly: the session of a platform can have another provider.
    "default": {
        "spark.sql.streaming.stateStore.providerClass": (
            "org.apache.spark.sql.execution.streaming.state.HDFSBackedStateStoreProvider"
        ),
    },
    "rocksdb": {
        "spark.sql.streaming.stateStore.providerClass": (
            "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider"
        ),
        # Without it every batch uploads a snapshot of all state.
        "spark.sql.streaming.stateStore.rocksdb.changelogCheckpointing.enabled": "true",
    },
}


class Session(Table):
    """The table `[session]`: what spark-submit or the platform does not decide."""

    platform: Literal["own", "databricks", "serverless"] = "own"
    """Whose the session is: the job's own, or one that Databricks has made for it."""
    master: str | None = None
    jars: Path | None = None
    log_config: Path | None = None


class State(Table):
    """The table `[state]`: both are frozen by the first batch of a checkpoint."""

    store: Literal["default", "rocksdb"] = "default"
    """`default` keeps all state in the JVM's memory, `rocksdb` on the executors' disks."""
    partitions: PositiveInt = 2
    """Into how many parts state is divided: so many cores can work on it at once."""


def build(name: str, session: Session, state: State, extra: Mapping[str, str]) -> SparkSession:
    """The session of one job; `extra` holds what its source and sink need of one of its own.

    Raises:
        SetupError: no usable Java, or no jars where `session.jars` points.
    """
    changeable = {
        **AT_ANY_TIME,
        # 200, Spark's default, costs 30 ms of an empty task each in every batch.
        "spark.sql.shuffle.partitions": str(state.partitions),
        **STORES[state.store],
    }
    if session.platform != "own":
        return _given(changeable, session.platform)
    conf: dict[str, bool | float | int | str | None] = {**AT_THE_START, **changeable, **extra}
    if session.master:
        if problem := java_problem():
            raise SetupError(problem)
        conf |= {"spark.master": session.master, **LOCAL}
        # Workers otherwise start whatever python3 comes first on the PATH.
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    if session.jars:
        conf["spark.jars"] = _jars(session.jars)
    if session.log_config:
        location = session.log_config.resolve().as_uri()
        conf["spark.driver.extraJavaOptions"] = f"-Dlog4j2.configurationFile={location}"
    builder = SparkSession.builder.appName(name).config(map=conf)
    return builder.getOrCreate()


def _given(changeable: Mapping[str, str], platform: str) -> SparkSession:
    """Return the platform's session; deploy/databricks.yml has the settings for its start."""
    spark = SparkSession.builder.getOrCreate()
    for name, value in changeable.items():
        if platform == "databricks" or name in SERVERLESS:
            spark.conf.set(name, value)
    return spark


def close(spark: SparkSession, session: Session) -> None:
    """End the session, unless it is the platform's."""
    if session.platform == "own":
        spark.stop()


def _jars(folder: Path) -> str:
    jars = sorted(str(path) for path in folder.glob("*.jar"))
    if not jars:
        message = f"There are no jars in {folder} (session.jars). Run `make jars`."
        raise SetupError(message)
    return ",".join(jars)
