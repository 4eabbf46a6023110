{% set job = cookiecutter | stream_plan %}
"""The job as serverless compute runs it: a client of Spark Connect in an existing session.

`python -m tests.behind_connect run --set session.platform=serverless` starts a server on this
machine, configured like that of Databricks, and then runs the job's command line.
"""

import os
import sys
import warnings
from itertools import pairwise

from pyspark.sql import SparkSession
from stream_devkit import jars
from stream_runtime import session
from stream_runtime.cli import main
from stream_runtime.config import load

{% if job.sink.behind_connect == "write" %}
from {{ cookiecutter.__package }} import sink
{% endif %}
from {{ cookiecutter.__package }}.job import JOB
from {{ cookiecutter.__package }}.settings import Settings


def serve() -> SparkSession:
    """Start a Spark Connect server in a JVM of this process, and return a session of it."""
    # Any free port, so that several servers can run on one machine.
    os.environ |= {"SPARK_TESTING": "1", "SPARK_LOCAL_IP": "127.0.0.1"}
    # The functions of foreachBatch run in a Python process of the server.
    os.environ["PYSPARK_PYTHON"] = sys.executable
    overrides = [value for option, value in pairwise(sys.argv) if option == "--set"]
    conf: dict[str, bool | float | int | str | None] = {
        **session.LOCAL,
        **load(Settings, "dev", overrides).spark_conf(),
{% if cookiecutter.state == "custom" %}
        # The only state store of serverless compute, and the only one that this state supports.
        **session.STORES["rocksdb"],
{% endif %}
        "spark.jars": ",".join(map(str, jars.ensure("connectors").glob("*.jar"))),
    }
    builder = SparkSession.builder.remote("local[2]").config(map=conf)
    with warnings.catch_warnings():
        # The client sets the configuration again, although the server started with it.
        warnings.simplefilter("ignore")
        return builder.getOrCreate()


{% if job.sink.behind_connect == "write" %}
def skip_delta_setup() -> None:
    """Skip the functions that need Delta's plugin for Spark Connect: no repository offers it."""
    sink.Sink.target_checkpoint_id = lambda *_: None
    sink.Sink.has_target = lambda *_: True
    sink.Sink.prepare = lambda *_: None


{% endif %}
if __name__ == "__main__":
    spark = serve()
{% if job.sink.behind_connect == "write" %}
    skip_delta_setup()
{% endif %}
    try:
        sys.exit(main(JOB))
    finally:
        spark.stop()
