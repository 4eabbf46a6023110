"""A real job shows its secrets nowhere: not in files, pages, messages or the process list."""

import json
import os
import re
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from urllib.request import urlopen

import pytest
import stream_devkit
import stream_runtime
from confluent_kafka import Producer
from stream_devkit.servers.kafka import Broker
from stream_devkit.servers.postgres import Database
from stream_devkit.servers.process import Process
from stream_devkit.servers.server import HOST, free_ports

from tests import sparks
from tests.examples import bake

pytestmark = pytest.mark.life
PACKAGE = "canary_job"
KAFKA, CATALOG = "canary-of-kafka-7d1f", "canary-of-a-catalog-5b2e"
TOPIC = "events"
LOGIN = """
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{spare},SASL_PLAINTEXT://{host}:{sasl}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT
listener.name.sasl_plaintext.sasl.enabled.mechanisms=PLAIN
listener.name.sasl_plaintext.plain.sasl.jaas.config={plain} required user_job="{password}";
"""
PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule"
JOB = f"""
import os, runpy, sys
from stream_runtime import session, settings

ui, events = sys.argv[1:3]
session.LOCAL |= {{
    "spark.ui.enabled": "true",
    "spark.ui.port": ui,
    "spark.eventLog.enabled": "true",
    "spark.eventLog.compress": "false",
    "spark.eventLog.dir": events,
}}
catalog = {{"spark.sql.catalog.unused.credential": os.environ["CATALOG"]}}
settings.RuntimeSettings.spark_conf = lambda _: catalog
sys.argv[1:3] = []
runpy.run_module("{PACKAGE}", run_name="__main__", alter_sys=True)
"""
PAGES = ("environment/", "SQL/", "StreamingQuery/", "jobs/", "stages/", "executors/")
PATIENCE_SECONDS = 240


class LoginBroker(Broker):
    """A broker that also has a listener with a login."""

    def _configure(self, spare_port):
        super()._configure(spare_port)
        (self.sasl,) = free_ports(0)[:1]
        ports = {"port": self.port, "spare": spare_port, "sasl": self.sasl}
        text = LOGIN.format(host=HOST, plain=PLAIN, password=KAFKA, **ports)
        with self._configuration.open("a", encoding="utf-8") as file:
            file.write(text)


@pytest.fixture(name="project", scope="module")
def _project(tmp_path_factory):
    """A project from Kafka to PostgreSQL with a row for each event."""
    answers = {"source": "kafka", "sink": "jdbc", "window": "none"}
    slug = PACKAGE.replace("_", "-")
    return bake(tmp_path_factory.mktemp("project"), hooks=False, project_slug=slug, **answers)


@pytest.fixture(name="environment")
def _environment(project):
    """The environment of a job, with the canaries of Kafka and of a catalog."""
    libraries = [Path(module.__file__).parents[1] for module in (stream_runtime, stream_devkit)]
    paths = os.pathsep.join(map(str, (project / "src", *libraries)))
    return {"PYTHONPATH": paths, "STREAM__SOURCE__PASSWORD": KAFKA, "CATALOG": CATALOG}


def send(broker):
    """Send an event and an invalid record, which quarantine needs a replay for."""
    now = datetime.now(UTC).isoformat()
    event = {"event_id": "1", "event_time": now, "event_type": "a", "user_id": 1, "amount": 1.0}
    producer = Producer({"bootstrap.servers": broker.bootstrap_servers})
    for text in (json.dumps(event), "x" * 9000):
        producer.produce(TOPIC, text.encode())
    assert producer.flush(30) == 0


def read_pages(port):
    """Yield the texts of Spark's UI and of its REST interface."""
    root = f"http://{HOST}:{port}"

    def get(path):
        with urlopen(f"{root}/{path}", timeout=30) as answer:  # noqa: S310 - on loopback
            return answer.read().decode()

    (application,) = json.loads(get("api/v1/applications"))
    api = f"api/v1/applications/{application['id']}"
    executions = json.loads(get(f"{api}/sql?details=true&length=1000"))
    assert executions
    yield json.dumps(executions)
    yield get(f"{api}/environment")
    yield from map(get, PAGES)
    for execution in executions:
        yield get(f"SQL/execution/?id={execution['id']}")


def read_commands():
    """Return the command lines of all processes."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(file.read_bytes().decode("utf-8", "replace"))
        except OSError:
            continue
    return found


def test_a_running_job_shows_no_secret(project, environment, tmp_path):
    """Event log, UI, process list, checkpoint, metrics, quarantine and logs have no canary."""
    folders = {name: tmp_path / name for name in ("checkpoint", "quarantine", "event-log")}
    folders["event-log"].mkdir()
    metrics = tmp_path / "metrics.ndjson"
    ui, port = free_ports(0)
    with (
        LoginBroker(tmp_path.with_name("broker"), class_path=sparks.fetch_broker_jars()) as broker,
        Database(tmp_path.with_name("database")) as database,
    ):
        broker.create_topic(TOPIC)
        send(broker)
        settings = database.settings | {
            "source.bootstrap_servers": f"{HOST}:{broker.sasl}",
            "source.topic": TOPIC,
            "source.security": "SASL_PLAINTEXT",
            "source.mechanism": "PLAIN",
            "source.username": "job",
            "session.jars": sparks.fetch_connector_jars(),
            "checkpoint.root": folders["checkpoint"],
            "quarantine.path": folders["quarantine"],
            "metrics.log": metrics,
            "metrics.port": port,
        }
        options = [f"--set={key}={value}" for key, value in settings.items()]
        options += ["--conf", str(project / "conf")]
        arguments = [str(ui), str(folders["event-log"]), "run", *options]
        command = [sys.executable, "-c", JOB, *arguments]
        job = Process(command, tmp_path / "job.log", environment=environment)
        try:
            deadline = time.monotonic() + PATIENCE_SECONDS
            while not (metrics.exists() and "quarantine_write" in metrics.read_text("utf-8")):
                assert job.exit_code is None, job.last_lines()
                assert time.monotonic() < deadline, job.last_lines()
                time.sleep(0.5)
            commands, pages = read_commands(), list(read_pages(ui))
            with urlopen(f"http://{HOST}:{port}/metrics", timeout=30) as answer:
                pages.append(answer.read().decode())
            with database.connect() as connection:
                rows = connection.execute(f"SELECT count(*) FROM {PACKAGE}").fetchone()  # noqa: S608
        finally:
            job.stop()
        password = database.password_file.read_text("utf-8")

    files = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    texts = {str(path): content.decode("utf-8", "replace") for path, content in files.items()}
    texts |= {f"page {number}": text for number, text in enumerate(pages)}
    texts |= {f"command {number}": text for number, text in enumerate(commands)}
    assert rows == (1,)
    assert any("SparkListenerEnvironmentUpdate" in text for text in texts.values())
    assert any("org.apache.spark.deploy.SparkSubmit" in text for text in commands)
    for secret in (KAFKA, CATALOG, password):
        assert [name for name, text in texts.items() if secret in text] == []


@pytest.mark.parametrize(
    "variable",
    ["STREAM__SOURCE__PASWORD", "STREAM_SOURCE_PASSWORD", "STREAM__SINK__HOST__X", "STREAM__SINK"],
)
def test_a_secret_under_a_wrong_name_is_not_shown(project, environment, tmp_path, variable):
    """The job does not start, and its message names the variable, not the value."""
    command = [sys.executable, "-m", PACKAGE, "run", "--conf", str(project / "conf")]
    given = {**os.environ, **environment, variable: KAFKA}
    ended = subprocess.run(
        command, env=given, cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert ended.returncode == 2
    assert variable in ended.stderr
    assert not re.search(KAFKA, ended.stdout + ended.stderr)
    assert list(tmp_path.iterdir()) == []
