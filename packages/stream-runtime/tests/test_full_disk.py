"""A full disk: what the job can do without, it does without; the rest is an outage."""

import json
import logging
import os
import subprocess
import sys
from datetime import UTC, datetime
from functools import partial
from types import SimpleNamespace

import pytest
import sample
from sample import CONF
from stream_runtime import lifecycle
from stream_runtime.lifecycle import Drain, Lifecycle, Supervisor
from stream_runtime.listener import ProgressListener, listen
from stream_runtime.logs import Logging, log_to
from stream_runtime.places import explain
from stream_runtime.reporting import Metrics, Reporter
from stream_runtime.status_file import FILE, StatusFile
from stream_runtime.storage import LocalStorage

AS_ROOT = [] if os.geteuid() == 0 else ["sudo", "-n"]
LOGGING = """
[handlers.file]
class = "logging.FileHandler"
filename = "/dev/full"
[loggers.stream_runtime]
level = "INFO"
handlers = ["file"]
"""
COMMAND = """
import sys, sample
from stream_runtime import cli
from stream_runtime.reporting import Metrics, Reporter

def run(job, settings):
    Reporter(Metrics(), "job", None).event("batch")
    cli.log.warning("a message")
    return 7

cli.run = run
sys.exit(cli.main(sample.JOB, ["run", "--conf", sys.argv[1]]))
"""


@pytest.fixture(name="disk")
def _disk(tmp_path):
    """Provide a disk of 512 KiB that can be filled and freed; it needs root, or sudo."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=512k,mode=777", "tmpfs", str(folder)]
    subprocess.run([*AS_ROOT, *mount], check=True)

    def fill():
        size = os.statvfs(folder)
        (folder / "x").write_bytes(bytes(size.f_bavail * size.f_frsize))

    yield SimpleNamespace(folder=folder, fill=fill, free=(folder / "x").unlink)
    subprocess.run([*AS_ROOT, "umount", "--lazy", str(folder)], check=True)


def test_the_job_continues_without_its_metrics(disk, tmp_path, caplog):
    """The log says once why lines are lost; later lines are whole, and lost ones leave no part."""
    file = disk.folder / "metrics.log"
    reporter = Reporter(Metrics(log=str(file)), "job", StatusFile(LocalStorage(tmp_path)))
    reporter.event("first")
    disk.fill()
    for number in range(100):
        reporter.event("lost", number=number, text="x" * 1000)
    disk.free()
    reporter.event("last")

    names = [json.loads(line)["event"] for line in file.read_text("utf-8").splitlines()]
    assert (names[0], names[-1]) == ("first", "last")
    assert len(names) < 10
    (message,) = caplog.messages
    assert message.startswith(f"metrics.log = {file} cannot be written: [Errno 28] No space left")
    assert "The job continues" in message


def test_the_job_continues_without_its_status(disk, caplog):
    """A status that cannot be written is reported once, and its drafts do not fill the disk."""
    status = StatusFile(LocalStorage(disk.folder))
    disk.fill()
    for _ in range(3):
        status.start(job="sample")

    assert [path.name for path in disk.folder.iterdir()] == ["x"]
    (message,) = caplog.messages
    assert message.startswith("status.json in checkpoint.root cannot be written: [Errno 28]")
    disk.free()
    status.start(job="sample")
    assert (disk.folder / FILE).exists()


def test_a_full_log_is_reported_once(tmp_path, capsys):
    """A handler that cannot write reports the cause once, and not the stack of each message."""
    config, logger = tmp_path / "logging.toml", logging.getLogger("stream_runtime")
    config.write_text(LOGGING, "utf-8")
    level = logger.level

    with log_to(Logging(config=config)):
        for number in range(3):
            logger.warning("message %d", number)

    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("The log <FileHandler /dev/full (NOTSET)> cannot be written: [Errno 28]")
    (handler,) = logger.handlers
    logger.removeHandler(handler)
    logger.setLevel(level)


@pytest.mark.parametrize("full", ["stdout", "stderr"])
def test_a_full_output_does_not_change_the_exit_code(full):
    """The exit code is that of the job, although its reports or messages cannot be written."""
    paths = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with open("/dev/full", "w") as output:  # noqa: PTH123
        run = [sys.executable, "-c", COMMAND, str(CONF)]
        ended = subprocess.run(run, env=paths, check=False, **{full: output})

    assert ended.returncode == 7


@pytest.mark.parametrize("name", ["checkpoint.root", "quarantine.path"])
def test_a_full_disk_is_an_outage(spark, tmp_path, disk, monkeypatch, name):
    """A full disk under checkpoint or target is named, and the batch is done once it is freed."""
    monkeypatch.setattr(lifecycle, "POLL_SECONDS", 0.1)
    (tmp_path / "in").mkdir()
    (tmp_path / "in/rows").write_text("row\n" * 9, "utf-8")
    settings = sample.load(f"{name}={disk.folder}/place")
    on_disk, elsewhere = str(disk.folder / "place"), str(tmp_path / "elsewhere")
    is_checkpoint = name == "checkpoint.root"
    root, target = (on_disk, elsewhere) if is_checkpoint else (elsewhere, on_disk)
    causes, listener = [], ProgressListener()

    def start():
        rows = spark.readStream.format("text").load(str(tmp_path / "in"))
        writer = rows.writeStream.format("parquet").option("path", target)
        return writer.option("checkpointLocation", root).trigger(availableNow=True).start()

    def retry(_, cause):
        causes.append(cause)
        disk.free()

    reporter = SimpleNamespace(batch=print, idle=print, tick=lambda: None, retry=retry)
    disk.fill()
    with listen(listener, spark):
        Supervisor(
            start=start,
            listener=listener,
            follow=lambda _: None,
            require=lambda: None,
            reporter=reporter,
            drain=Drain(LocalStorage(tmp_path), datetime.now(UTC)),
            lifecycle=Lifecycle(backoff="1 second"),
            explain=partial(explain, settings=settings),
        ).run()

    (cause,) = causes
    assert cause.startswith(f"no space left on {name} = {disk.folder}/place (0.0 MiB are free): ")
    assert "java.io.IOException: No space left on device" in cause or is_checkpoint
    assert spark.read.parquet(target).count() == 9


def test_a_full_disk_under_the_progress_of_quarantine_is_an_outage(disk, monkeypatch, tmp_path):
    """A file that the job itself cannot write starts the next attempt as well."""
    monkeypatch.setattr(lifecycle, "POLL_SECONDS", 0.1)
    root, causes = LocalStorage(disk.folder), []

    def start():
        root.write("quarantine.json", "{}")
        raise KeyboardInterrupt

    def retry(_, cause):
        causes.append(cause)
        disk.free()

    disk.fill()
    supervisor = Supervisor(
        start=start,
        listener=ProgressListener(),
        follow=print,
        require=lambda: None,
        reporter=SimpleNamespace(retry=retry),
        drain=Drain(LocalStorage(tmp_path), datetime.now(UTC)),
        lifecycle=Lifecycle(backoff="1 second"),
        explain=partial(explain, settings=sample.load(f"checkpoint.root={disk.folder}/none")),
    )
    with pytest.raises(KeyboardInterrupt):
        supervisor.run()

    (cause,) = causes
    assert cause.startswith("no space left on checkpoint.root = ")
    assert cause.endswith(f"[Errno 28] No space left on device: '{disk.folder}/quarantine.json'")
