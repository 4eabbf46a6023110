{% set job = cookiecutter | stream_plan %}
"""The job as serverless compute runs it: a client of Spark Connect, in a session that is there.

`python -m tests.behind_connect run --set session.platform=serverless` starts a server on this
machine, with what Databricks' own has, and then does as the job's command line.
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
    """A server of Spark Connect in a JVM of this process, and the session of its one client."""
    # Any free port, so that several servers can run on one machine.
    os.environ |= {"SPARK_TESTING": "1", "SPARK_LOCAL_IP": "127.0.0.1"}
    # What foreachBatch calls runs in a Python of the server.
    os.environ["PYSPARK_PYTHON"] = sys.executable
    overrides = [value for option, value in pairwise(sys.argv) if option == "--set"]
    conf: dict[str, bool | float | int | str | None] = {
        **session.LOCAL,
        **load(Settings, "dev", overrides).spark_conf(),
{% if cookiecutter.state == "custom" %}
        # The only kind of store that serverless compute has, and that this state can be in.
        **session.STORES["rocksdb"],
{% endif %}
        "spark.jars": ",".join(map(str, jars.ensure("connectors").glob("*.jar"))),
    }
    builder = SparkSession.builder.remote("local[2]").config(map=conf)
    with warnings.catch_warnings():
        # The client tries to set all of it again, on the server that started with it.
        warnings.simplefilter("ignore")
        return builder.getOrCreate()


{% if job.sink.behind_connect == "write" %}
def leave_the_table_alone() -> None:
    """Do without Delta's own functions: they need a part in the server that no repository has."""
    sink.Sink.target_checkpoint_id = lambda *_: None
    sink.Sink.prepare = lambda *_: None


{% endif %}
if __name__ == "__main__":
    spark = serve()
{% if job.sink.behind_connect == "write" %}
    leave_the_table_alone()
{% endif %}
    try:
        sys.exit(main(JOB))
    finally:
        spark.stop()
