"""Spark, Kafka and PostgreSQL for the template's own tests: one of each in a whole run.

The devkit of generated projects fetches the jars and starts the servers.
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
from tests.examples import ROOT
from tests.shapes import EVENTS

FOLDER = ROOT / "build" / "jars"
VERSION = pyspark.__version__.rpartition(".")[0]
ANSWERS = {
    "project_name": "Tests",
    "project_slug": "tests",
    **EVENTS,
    **{axis: values[0] for axis, values in AXES.items()},
    "spark_version": VERSION,
}
SETTINGS = {
    # Event by event, each partition of a topic holds a core, and quarantine needs one more.
    "spark.master": "local[4]",
    # Tests run many tiny queries: half of their time would go into compiling code.
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
    # Hadoop's other way to rename a file starts two processes each time.
    "spark.sql.streaming.checkpointFileManagerClass": (
        "org.apache.spark.sql.execution.streaming.checkpointing"
        ".FileSystemBasedCheckpointFileManager"
    ),
    "spark.delta.logStore.file.impl": "io.delta.storage.LocalLogStore",
    # Else Python tells Java with each expression where it stands.
    "spark.python.sql.dataFrameDebugging.enabled": "false",
    # A stream with nothing to do says so at once.
    "spark.sql.streaming.noDataProgressEventInterval": "300",
    "spark.databricks.delta.snapshotPartitions": "1",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}


def connectors():
    """Every jar that some job has on Spark's class path, for the installed Spark."""
    jobs = (plan(ANSWERS | {"sink": sink}) for sink in AXES["sink"])
    return list(dict.fromkeys(jar for job in jobs for jar in job["jars"]["connectors"]))


def connector_jars():
    """Return the folder with the jars of all connectors; they are fetched if they are missing."""
    shipped = jars.shipped_with_spark()
    with _alone():
        return jars.resolve("connectors", connectors(), FOLDER / VERSION, without=shipped)


def broker_jars():
    """Return the folder with the jars of a Kafka broker; they are fetched if they are missing."""
    with _alone():
        return jars.resolve("broker", plan(ANSWERS)["jars"]["broker"], FOLDER)


class Stage:
    """What all runs share, each started at first use and ended by `close`.

    Args:
        folder: for what the servers keep, and for `jvm.log`, what Spark's JVM prints.
        settings: Spark's, beside those of all tests.
    """

    def __init__(self, folder, settings=None):
        self._folder = folder
        self._settings = SETTINGS | (settings or {})
        self._running = contextlib.ExitStack()

    @cached_property
    def spark(self):
        """A session with all connectors."""
        started = SparkSession.getActiveSession()
        # The JVM of a process gets its jars when it starts, and outlives the session.
        assert not started, "a test started Spark by itself: it has to use the fixture spark"
        folder = connector_jars()
        os.environ["PYSPARK_PYTHON"] = sys.executable
        os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
        settings = self._settings | {
            "spark.jars": ",".join(map(str, folder.glob("*.jar"))),
            "spark.sql.warehouse.dir": str(self._folder / "warehouse"),
        }
        with _output_to(self.output):
            spark = SparkSession.builder.appName("tests").config(map=settings).getOrCreate()
        self._running.callback(spark.stop)
        _remember_names()
        return spark

    @cached_property
    def broker(self):
        """A Kafka broker."""
        broker = Broker(self._folder / "broker", class_path=broker_jars())
        return self._running.enter_context(broker)

    @cached_property
    def database(self):
        """A PostgreSQL server."""
        return self._running.enter_context(Database(self._folder / "database"))

    @property
    def output(self):
        """What Spark's JVM prints."""
        return self._folder / "jvm.log"

    def close(self):
        """End what was started."""
        self._running.close()


@contextlib.contextmanager
def _alone():
    """Let one process at a time fetch jars: all share their folder."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with FOLDER.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _remember_names():
    """Let PySpark ask Java once for a name: looking through all jars is a third of a tiny query."""
    for kind in (JVMView, JavaPackage, JavaClass):
        if not hasattr(kind, "lookup"):
            kind.lookup = kind.__getattr__
            kind.__getattr__ = _remembered


def _remembered(view, name):
    found = type(view).lookup(view, name)
    if isinstance(found, JavaPackage | JavaClass | JavaMember):
        vars(view)[name] = found
    return found


@contextlib.contextmanager
def _output_to(path):
    """What is started meanwhile inherits the file as its output; our own comes back."""
    kept = [os.dup(1), os.dup(2)]
    with path.open("ab") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    try:
        yield
    finally:
        for descriptor, old in enumerate(kept, 1):
            os.dup2(old, descriptor)
            os.close(old)
