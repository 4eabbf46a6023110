"""Spark, Kafka and PostgreSQL for the template's own tests: one of each in a whole run.

The tools that fetch jars and start servers are those of generated projects.
"""

import contextlib
import fcntl
import importlib
import os
import sys
import tempfile
from functools import cached_property
from pathlib import Path

import pyspark
from py4j.java_gateway import JavaClass, JavaMember, JavaPackage, JVMView
from pyspark.sql import SparkSession

from stream_template_rules import AXES, plan
from tests.examples import PACKAGES, ROOT, bake
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
        jars = self._tool("dev.jars")
        shipped = jars.shipped_with_spark()
        with _alone():
            folder = jars.resolve("connectors", connectors(), FOLDER / VERSION, without=shipped)
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
        module = self._tool("dev.broker")
        with _alone():
            return self._running.enter_context(module.Broker(self._folder / "broker"))

    @cached_property
    def database(self):
        """A PostgreSQL server."""
        module = self._tool("dev.database", sink="jdbc")
        return self._running.enter_context(module.Database(self._folder / "database"))

    @property
    def output(self):
        """What Spark's JVM prints."""
        return self._folder / "jvm.log"

    def close(self):
        """End what was started."""
        self._running.close()

    def _tool(self, name, **answers):
        """A module of a project that is generated for it.

        It is taken out of `sys.modules` again: other projects have a package `dev` as well.
        """
        project = bake(Path(tempfile.mkdtemp(dir=self._folder)), hooks=False, **answers)
        FOLDER.mkdir(parents=True, exist_ok=True)
        (project / ".jars").symlink_to(FOLDER)
        places = [str(project), *PACKAGES]
        sys.path[:0] = places
        try:
            return importlib.import_module(name)
        finally:
            for place in places:
                sys.path.remove(place)
            for loaded in [other for other in sys.modules if other.partition(".")[0] == "dev"]:
                del sys.modules[loaded]


@contextlib.contextmanager
def _alone():
    """Let one process at a time fetch jars: all share their folder."""
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
