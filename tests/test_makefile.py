"""The Makefile of a project, without its set-up, and the programs of the template's own."""

import os
import re
import subprocess
import sys

from tests.examples import ROOT, bake

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


def test_every_program_of_the_makefile_finds_the_packages():
    """Each module that the Makefile runs can be imported with the variables of its command."""
    text = (ROOT / "Makefile").read_text("utf-8")
    path = re.search(r"^SCRIPT := PYTHONPATH=(\S+) ", text, re.MULTILINE)[1]
    outer = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    programs = {
        (f"tests.{name}", path if command == "SCRIPT" else "")
        for command, name in re.findall(r"\$\((SCRIPT|RUN)\)(?: -m tests)?\.(\w+)", text)
    }

    assert len(programs) > 5
    for module, packages in programs:
        environment = outer | ({"PYTHONPATH": packages} if packages else {})
        command = [sys.executable, "-c", f"import {module}"]
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (module, done.stderr)
