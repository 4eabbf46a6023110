"""Spark, Kafka and PostgreSQL for the template's own tests: one of each per process.

The devkit fetches the jars and starts the servers, as in generated projects.
"""

import contextlib
import fcntl
import os
import sys
from functools import cached_property

import pyspark
from py4j.java_gateway import JavaClass, JavaMember, JavaPackage, JVMView
from pyspark.sql import SparkSession
from stream_devkit import jars
from stream_devkit.servers.kafka import Broker
from stream_devkit.servers.postgres import Database

from stream_template_rules import AXES, plan
from stream_template_rules.pins import list_all_connectors, lock_jars
from tests.examples import ROOT
from tests.variants import EVENTS

FOLDER = ROOT / "build" / "jars"
VERSION = pyspark.__version__.rpartition(".")[0]
# Spark 4.1 moved its checkpoint classes.
STREAMING = "streaming" if VERSION == "4.0" else "streaming.checkpointing"
ANSWERS = {
    "project_name": "Tests",
    "project_slug": "tests",
    **EVENTS,
    **{axis: values[0] for axis, values in AXES.items()},
    "spark_version": VERSION,
}
COMPILED = {
    "spark.sql.codegen.wholeStage": "true",
    "spark.sql.codegen.factoryMode": "FALLBACK",
}
# A plan gives the same result compiled or not. For few rows, compilation takes longer than the run.
INTERPRETED = {
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
}
SETTINGS = {
    **INTERPRETED,
    # A row-by-row trigger needs a core for each partition, and quarantine needs one more.
    "spark.master": "local[4]",
    # Tests run many small queries, which would spend half of their time compiling code.
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.driver.memory": "2g",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.log.level": "ERROR",
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "1",
    "spark.sql.streaming.checkpoint.fileChecksum.enabled": "false",
    # Hadoop's default implementation starts two processes for each file that it renames.
    "spark.sql.streaming.checkpointFileManagerClass": (
        f"org.apache.spark.sql.execution.{STREAMING}.FileSystemBasedCheckpointFileManager"
    ),
    "spark.delta.logStore.file.impl": "io.delta.storage.LocalLogStore",
    # Otherwise PySpark sends the Python call site of each expression to Java.
    "spark.python.sql.dataFrameDebugging.enabled": "false",
    # An idle stream reports this after 300 milliseconds.
    "spark.sql.streaming.noDataProgressEventInterval": "300",
    "spark.databricks.delta.snapshotPartitions": "1",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}


def fetch_connector_jars():
    """Return the folder with the jars of all connectors; fetch those that are missing."""
    return _fetch("connectors", list_all_connectors(VERSION), FOLDER / VERSION)


def fetch_broker_jars():
    """Return the folder with the jars of a Kafka broker; fetch those that are missing."""
    return _fetch("broker", plan(ANSWERS)["jars"]["broker"], FOLDER)


def _fetch(name, coordinates, folder):
    """Fetch a set, one process at a time, because all processes share the folder."""
    locked = jars.LockedSet(coordinates, lock_jars({name: coordinates}, VERSION)[name])
    FOLDER.mkdir(parents=True, exist_ok=True)
    with FOLDER.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        jars.fetch({name: locked}, folder)
    return folder / name


class Services:
    """The session and the servers that tests share; each starts at first use.

    Args:
        folder: keeps the data of the servers, and `jvm.log` with the output of Spark's JVM.
        settings: Spark settings in addition to `SETTINGS`.
    """

    def __init__(self, folder, settings=None):
        self._folder = folder
        self._settings = SETTINGS | (settings or {})
        self._started = contextlib.ExitStack()

    @cached_property
    def spark(self):
        """The session, with all connectors."""
        active = SparkSession.getActiveSession()
        # A JVM reads its class path when it starts, and does not end with the session.
        assert not active, "A test started Spark by itself. Use the fixture `spark` instead."
        folder = fetch_connector_jars()
        os.environ["PYSPARK_PYTHON"] = sys.executable
        os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
        settings = self._settings | {
            "spark.jars": ",".join(map(str, folder.glob("*.jar"))),
            "spark.sql.warehouse.dir": str(self._folder / "warehouse"),
        }
        with _redirect_output(self.output):
            spark = SparkSession.builder.appName("tests").config(map=settings).getOrCreate()
        self._started.callback(spark.stop)
        _cache_java_names()
        return spark

    @cached_property
    def broker(self):
        """The Kafka broker."""
        broker = Broker(self._folder / "broker", class_path=fetch_broker_jars())
        return self._started.enter_context(broker)

    @cached_property
    def database(self):
        """The PostgreSQL server."""
        return self._started.enter_context(Database(self._folder / "database"))

    @property
    def output(self):
        """The file with the output of Spark's JVM."""
        return self._folder / "jvm.log"

    def close(self):
        """Stop everything that was started."""
        self._started.close()


def _cache_java_names():
    """Make PySpark look up each Java name only once: lookups take a third of a small query."""
    for kind in (JVMView, JavaPackage, JavaClass):
        if not hasattr(kind, "lookup"):
            kind.lookup = kind.__getattr__
            kind.__getattr__ = _look_up_cached


def _look_up_cached(view, name):
    found = type(view).lookup(view, name)
    if isinstance(found, JavaPackage | JavaClass | JavaMember):
        vars(view)[name] = found
    return found


@contextlib.contextmanager
def _redirect_output(path):
    """Redirect the output of this process, and of processes started meanwhile, to the file."""
    saved = [os.dup(1), os.dup(2)]
    with path.open("ab") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    try:
        yield
    finally:
        for descriptor, old in enumerate(saved, 1):
            os.dup2(old, descriptor)
            os.close(old)
