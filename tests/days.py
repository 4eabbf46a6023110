"""Two days with a generated project, by the commands of its README."""

import json
import re
import time

PATIENCE_SECONDS = 240
# The commands of the generated README that other tests run.
RUN_BY_OTHER_TESTS = {"make check", "make demo", "make test"}
# The commands of a day, in their order.
DAY = (
    *("make servers", "make produce", "make run", "make show", "make status", "make stop"),
    "make clean",
)
EVENT = '{"event_id": "1", "event_time": "2026-03-01T10:00:00Z", "event_type": "view"}\n'


def live_two_days(project):
    """Run the commands of a project's README in their order, on two days.

    In between, all servers and the job end. On the second day the job continues: it has read each
    record once. `events.ndjson` has events of the user. `deploy/submit.sh` needs a cluster, so it
    does not run here.
    """
    text = (project.folder / "README.md").read_text("utf-8")
    table = text.partition("## Commands")[2].partition("\n## ")[0]
    commands = re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)
    (size,) = re.findall(r"`(\S+ -m \w+ doctor --size \d+)`", table)
    others = [command for command in commands if command not in (*DAY, *RUN_BY_OTHER_TESTS)]
    (project.folder / "events.ndjson").write_text(EVENT, "utf-8")

    assert [command for command in commands if command in DAY] == list(DAY)
    assert others.pop().startswith("deploy/submit.sh")
    sent = 0
    for _ in range(2):
        with project.run_in_background("make servers", "Ctrl-C ends the servers"):
            sent += count_sent(_run(project, "make produce"))
            with project.run_in_background("make run", " rows in ") as job:
                sent += count_sent(_run(project, "make produce"))
                assert "runs since" in _run(project, "make status")
                assert "Quarantine" in _run(project, "make show")
                wait_until_read(project, sent)
                _run(project, "make stop")
                assert job.wait() == 0
            assert " WARN " not in (project.folder / "build/make-run.log").read_text("utf-8")
            for command in others:
                _run(project, command)
            assert "size: " in _run(project, size)
            code, output = project.run("make", "clean")
            assert code != 0, output
            assert "End it first" in output
    assert sum(read_batches(project).values()) == sent
    assert "does not run: it ended with exit code 0" in _run(project, "make status")
    _run(project, "make clean")
    assert not (project.folder / "build").exists()
    (project.folder / "events.ndjson").unlink()


def _run(project, command):
    """Run a command of a README, and return its output."""
    code, output = project.run("sh", "-c", command)
    assert code == 0, f"{command}\n{output}"
    return output


def count_sent(output):
    """Return the number of records that `make produce` says it has sent."""
    return int(re.search(r"sent ([\d,]+) records", output)[1].replace(",", ""))


def wait_until_read(project, records):
    """Wait until the job has read all records; fail if it ends no batch for a long time."""
    progress, before = time.monotonic(), {}
    while sum((batches := read_batches(project)).values()) < records:
        if batches != before:
            progress, before = time.monotonic(), batches
        assert time.monotonic() < progress + PATIENCE_SECONDS, batches
        time.sleep(0.5)


def read_batches(project):
    """Return the number of records that each batch has read."""
    metrics = project.folder / "build/dev/metrics.jsonl"
    text = metrics.read_text("utf-8") if metrics.exists() else ""
    lines = [json.loads(line) for line in text.splitlines() if line.endswith("}")]
    return {line["batch_id"]: line["input_rows"] for line in lines if line["event"] == "batch"}
