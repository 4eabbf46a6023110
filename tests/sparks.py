"""Spark and Kafka for the template's own tests: one session and one broker in a whole run.

The tools that fetch jars and start the broker are those of a generated project.
"""

import contextlib
import importlib
import os
import sys
from pathlib import Path

import pyspark
from pyspark.sql import SparkSession

from stream_template_rules.plan import JARS
from tests.examples import ROOT, bake

FOLDER = ROOT / "build" / "jars"
VERSION = pyspark.__version__.rpartition(".")[0]
SETTINGS = {
    "spark.master": "local[2]",
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
    "spark.databricks.delta.snapshotPartitions": "1",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}


def coordinates(group):
    """Every jar of the group, whatever the answers, for the installed Spark."""
    spelled = {"spark": VERSION, "pyspark": pyspark.__version__}
    return [jar.coordinate.format(**spelled) for jar in JARS if jar.group == group]


class Tools:
    """`dev/jars.py` and `dev/broker.py` of a default project, generated into the folder.

    The modules are taken out of `sys.modules` again: other projects have a package `dev` as well.
    """

    def __init__(self, folder):
        project = bake(folder)
        FOLDER.mkdir(parents=True, exist_ok=True)
        (project / ".jars").symlink_to(FOLDER)
        sys.path.insert(0, str(project))
        try:
            self.jars = importlib.import_module("dev.jars")
            self.broker = importlib.import_module("dev.broker")
        finally:
            sys.path.remove(str(project))
            for name in [name for name in sys.modules if name.partition(".")[0] == "dev"]:
                del sys.modules[name]


@contextlib.contextmanager
def session(jars, folder):
    """A session with all connectors; what its JVM prints goes to `jvm.log` in the folder."""
    wanted, shipped = coordinates("connectors"), jars.shipped_with_spark()
    connectors = jars.resolve("connectors", wanted, FOLDER / VERSION, without=shipped)
    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    settings = SETTINGS | {
        "spark.jars": ",".join(map(str, connectors.glob("*.jar"))),
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
    }
    with _output_to(folder / "jvm.log"):
        spark = SparkSession.builder.appName("tests").config(map=settings).getOrCreate()
    try:
        yield spark
    finally:
        spark.stop()


@contextlib.contextmanager
def _output_to(path: Path):
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
