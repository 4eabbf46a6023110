"""A project on a Spark cluster: its own `deploy/submit.sh`, a master and two workers.

The cluster is Spark's standalone cluster, on this machine. The job keeps custom state, so the
workers run Python code of the project.
"""

import os
import signal
import subprocess
from pathlib import Path

import pyspark
import pytest
from stream_devkit import demo
from stream_devkit.job import JobProcess
from stream_devkit.servers.process import Process
from stream_devkit.servers.server import free_ports

from tests.examples import bake
from tests.matrix import import_project
from tests.project import Project

pytestmark = [pytest.mark.life, pytest.mark.long]

HOST = "127.0.0.1"
SPARK = Path(pyspark.__file__).parent
EVENTS = 5000


class Cluster:
    """A master and two workers of a standalone cluster.

    Args:
        folder: the parent of logs and work folders.
    """

    def __init__(self, folder):
        self._folder = folder
        self._port, self._fixed_port = free_ports(0)
        self._running = []

    @property
    def master(self):
        """The URL of the master, for spark-submit."""
        return f"spark://{HOST}:{self._port}"

    def __enter__(self):
        """Start master and workers; a worker waits for its master, and chooses a port for 0."""
        self._start("Master", "--port", self._port)
        for port in (self._fixed_port, 0):
            work = self._folder / f"work-{port}"
            options = ("--cores", 2, "--memory", "2g", "--work-dir", work)
            self._start("Worker", "--port", port, *options, self.master)
        return self

    def __exit__(self, *_):
        """Kill master and workers with their child processes."""
        for process in reversed(self._running):
            process.kill()

    def kill_executors(self):
        """Kill the executors of the worker with the fixed port; return their process ids."""
        pattern = f"CoarseGrainedExecutorBackend.*spark://Worker@{HOST}:{self._fixed_port}"
        found = subprocess.run(["pgrep", "-f", pattern], capture_output=True, check=False)
        executors = [int(text) for text in found.stdout.split()]
        for executor in executors:
            os.kill(executor, signal.SIGKILL)
        return executors

    def _start(self, name, *options):
        command = [SPARK / "bin/spark-class", f"org.apache.spark.deploy.{name.lower()}.{name}"]
        command += ["--host", HOST, "--webui-port", 0, *options]
        log = self._folder / f"{name}-{len(self._running)}.log"
        self._running.append(Process([str(word) for word in command], log))


@pytest.fixture(name="project")
def _project(tmp_path):
    """Provide a project with jars, as deploy/submit.sh requires, and a configured cluster."""
    project = Project(bake(tmp_path, window="none", state="custom"))
    code, output = project.run("make", "jars")
    assert code == 0, output
    conf = project.folder / "conf"
    without_session, _, _ = (conf / "dev.toml").read_text("utf-8").partition("[session]")
    (conf / "cluster.toml").write_text(without_session, "utf-8")
    return project


def test_a_killed_executor_loses_no_event(project, tmp_path, monkeypatch):
    """After an executor with custom state is killed, the result is exact."""
    monkeypatch.chdir(project.folder)
    with (
        import_project(project.folder, "clickstream_metrics") as load,
        Cluster(tmp_path) as cluster,
    ):
        killed = []

        class Submitted(JobProcess):
            """The job, started by spark-submit; it loses an executor after its first batch."""

            def __init__(self, package, settings, folder):
                super().__init__(package, settings, folder)
                self._command = ["deploy/submit.sh"]
                self._options[:2] = ["--env", "cluster"]

            def wait(self, reached, what):
                def kill_and_check():
                    if self.batches and not killed:
                        killed.extend(cluster.kill_executors())
                    return reached()

                super().wait(kill_and_check, what)

        monkeypatch.setenv("SPARK_HOME", str(SPARK))
        monkeypatch.setenv("SPARK_MASTER", cluster.master)
        monkeypatch.setenv("SPARK_LOCAL_IP", HOST)
        monkeypatch.setattr(demo, "JobProcess", Submitted)
        monkeypatch.setattr(demo, "EVENTS", EVENTS)
        assert demo.run(load("dev.demo").DEMO) == 0

    assert killed
