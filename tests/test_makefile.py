"""The Makefile of a project, without its set-up."""

import os
import subprocess

from tests.examples import bake

OF_ANOTHER_SPARK = ("SPARK_HOME", "SPARK_CONF_DIR", "SPARK_REMOTE", "PYSPARK_SUBMIT_ARGS")
OF_ANOTHER_PYTHON = ("PYSPARK_PYTHON", "PYSPARK_DRIVER_PYTHON", "PYTHONHOME", "PYTHONPATH")


def test_targets_use_the_spark_of_the_project(tmp_path):
    """Variables of another Spark or Python do not reach the commands; others do."""
    project = bake(tmp_path, hooks=False)
    foreign = dict.fromkeys((*OF_ANOTHER_SPARK, *OF_ANOTHER_PYTHON), "/elsewhere")
    command = ("make", "--eval", "shown: ; @env", "shown")
    environment = {"PATH": os.environ["PATH"], "HADOOP_CONF_DIR": "/etc/hadoop", **foreign}

    done = subprocess.run(
        command, cwd=project, env=environment, capture_output=True, text=True, check=True
    )

    variables = dict(line.split("=", 1) for line in done.stdout.splitlines())
    assert variables.keys().isdisjoint(foreign)
    assert variables["HADOOP_CONF_DIR"] == "/etc/hadoop"
