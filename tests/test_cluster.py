"""A project for spark-submit on a cluster: its own `deploy/submit.sh`, a master and two workers.

The cluster is Spark's own, on this machine. The job keeps custom state, so that the workers run
Python of the project's.
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
    """A master and two workers."""

    def __init__(self, folder):
        self._folder = folder
        self._port, self._doomed = free_ports(0)
        self._running = []

    @property
    def master(self):
        """As spark-submit takes it."""
        return f"spark://{HOST}:{self._port}"

    def __enter__(self):
        """Start them; a worker waits for its master, and takes any port where 0 is asked for."""
        self._start("Master", "--port", self._port)
        for port in (self._doomed, 0):
            place = self._folder / f"work-{port}"
            options = ("--cores", 2, "--memory", "2g", "--work-dir", place)
            self._start("Worker", "--port", port, *options, self.master)
        return self

    def __exit__(self, *_):
        """Kill them, and what they started."""
        for process in reversed(self._running):
            process.kill()

    def kill_an_executor(self):
        """Kill the JVM in which the doomed worker runs tasks; the ids of what was killed."""
        pattern = f"CoarseGrainedExecutorBackend.*spark://Worker@{HOST}:{self._doomed}"
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
    """One whose `make jars` was run, as deploy/submit.sh says; its cluster is configured."""
    project = Project(bake(tmp_path, window="none", state="custom"))
    code, said = project.run("make", "jars")
    assert code == 0, said
    conf = project.folder / "conf"
    laptop, _, _ = (conf / "dev.toml").read_text("utf-8").partition("[session]")
    (conf / "cluster.toml").write_text(laptop, "utf-8")
    return project


def test_workers_run_the_jobs_own_python(project, tmp_path, monkeypatch):
    """State is kept on the workers; one of their JVMs is killed, and nothing is lost or doubled."""
    monkeypatch.chdir(project.folder)
    with (
        import_project(project.folder, "clickstream_metrics") as load,
        Cluster(tmp_path) as cluster,
    ):
        killed = []

        class Submitted(JobProcess):
            """The job by spark-submit; it loses an executor after its first batch."""

            def __init__(self, package, settings, folder):
                super().__init__(package, settings, folder)
                self._command = ["deploy/submit.sh"]
                self._arguments[:2] = ["--env", "cluster"]

            def wait(self, reached, what):
                def lossy():
                    if self.batches and not killed:
                        killed.extend(cluster.kill_an_executor())
                    return reached()

                super().wait(lossy, what)

        monkeypatch.setenv("SPARK_HOME", str(SPARK))
        monkeypatch.setenv("SPARK_MASTER", cluster.master)
        monkeypatch.setenv("SPARK_LOCAL_IP", HOST)
        monkeypatch.setattr(demo, "JobProcess", Submitted)
        monkeypatch.setattr(demo, "EVENTS", EVENTS)
        assert load("dev.demo").main() == 0

    assert killed
