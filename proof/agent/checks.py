"""The requests of the evaluation: what is there before, and the end state of each.

A check yields what is wrong, and nothing if the end state is reached. It looks at files first, and
starts Spark only where the files are as they should be.
"""

import json
import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.days import read_batches
from tests.examples import read_tree
from tests.playbooks import Stream

FOLDER = Path(__file__).parent
CHECKPOINT, RESULT = "build/dev/checkpoint", "build/dev/result"
START = datetime(2026, 3, 2, 6, tzinfo=UTC)
LIMIT, RATE = 500, 200
"""The largest batch of the stream that falls behind, and how many events it gets in a second."""
PASSWORD = "0ld-and-leaked"  # noqa: S105 - it opens nothing
NEW_PASSWORD = "n3w-and-unknown"  # noqa: S105 - it opens nothing


@dataclass(frozen=True)
class Request:
    """A request of a user, and where it has to end.

    Attributes:
        check: yields what is wrong with the end state.
        prepare: changes the generated project before anything starts.
        begin: changes the stream before the request, and notes what the check compares.
        is_live: whether servers and a job run.
    """

    check: Callable[[Stream], Iterator[str]]
    prepare: Callable[[Path], None] = lambda _: None
    begin: Callable[[Stream], None] = lambda _: None
    is_live: bool = False

    def read_text(self, name: str, notes: dict[str, Any]) -> str:
        """Return the words of the user."""
        return (FOLDER / f"requests/{name}.txt").read_text("utf-8").format_map(notes)


def note_checkpoint(stream: Stream) -> None:
    """Note the id of the checkpoint."""
    stream.notes["id"] = stream.read_checkpoint_id()


def check_documents(stream: Stream) -> Iterator[str]:
    """Check that the documents of the project agree with its code."""
    files = "tests/test_documents.py tests/test_agent_file.py"
    yield from check_command(stream, f".venv/bin/python -m pytest -q {files}")


def check_command(stream: Stream, command: str) -> Iterator[str]:
    """Check that a command succeeds."""
    code, output = stream.project.run("sh", "-c", command)
    if code:
        yield f"{command}: exit code {code}\n{output[-2000:]}"


def check_file_run(
    stream: Stream, events: list[dict[str, Any]], wanted: list[dict[str, Any]]
) -> Iterator[str]:
    """Check that the job and the test oracle have these rows for the first window of events.

    Args:
        stream: the project.
        events: without id and time; all are in the first window.
        wanted: columns of the rows of that window.
    """
    last = {"event_time": (START + timedelta(hours=1)).isoformat(), **events[0]}
    lines = [*({"event_time": START.isoformat(), **event} for event in events), last]
    path = stream.folder / "build/check.ndjson"
    path.parent.mkdir(exist_ok=True)
    path.write_text(
        "".join(json.dumps({"event_id": str(n), **line}) + "\n" for n, line in enumerate(lines)),
        "utf-8",
    )
    options = "--input build/check.ndjson --output build/check"
    problems = list(check_command(stream, f".venv/bin/python -m {stream.package} run {options}"))
    yield from problems
    if not problems:
        text = (stream.folder / "build/check/result.ndjson").read_text("utf-8")
        rows = [json.loads(line) for line in text.splitlines()]
        first = [row for row in rows if row["window_start"].startswith("2026-03-02T06:00")]
        found = [{name: row.get(name) for name in wanted[0]} for row in first]
        if sorted(found, key=str) != sorted(wanted, key=str):
            yield f"the rows are {found}, not {wanted}"


def check_column(stream: Stream) -> Iterator[str]:
    """Check that rows are grouped by the new column as well."""
    text = (stream.folder / f"src/{stream.package}/schema.py").read_text("utf-8")
    if "country" not in text:
        yield "schema.py has no country"
        return
    yield from check_documents(stream)
    events = [{"event_type": "view", "country": name, "amount": 1.0} for name in ("DE", "DE", "FR")]
    counts = {"DE": 2, "FR": 1}
    wanted = [{"country": name, "event_count": count} for name, count in counts.items()]
    yield from check_file_run(stream, events, wanted)


def check_aggregate(stream: Stream) -> Iterator[str]:
    """Check that rows have the new number, and null if there is none."""
    if "max_amount" not in (stream.folder / "README.md").read_text("utf-8"):
        yield "README.md has no max_amount"
        return
    yield from check_documents(stream)
    events = [
        *({"event_type": "view", "amount": amount} for amount in (1.5, 7.25, None)),
        {"event_type": "buy", "amount": None},
    ]
    maxima = {"view": 7.25, "buy": None}
    wanted = [{"event_type": name, "max_amount": most} for name, most in maxima.items()]
    yield from check_file_run(stream, events, wanted)


def check_window(stream: Stream) -> Iterator[str]:
    """Check that settings, documents and new rows have windows of 10 minutes."""
    if read_conf(stream, "base")["window"]["duration"] != "10 minutes":
        yield "conf/base.toml has not 10 minutes in window.duration"
        return
    yield from check_documents(stream)
    # Places of their own are as good as an empty old place.
    places = read_conf(stream, "dev")
    root, path = places["checkpoint"]["root"], places["sink"]["path"]
    manifest = stream.folder / root / "manifest.json"
    if manifest.exists() and stream.read_checkpoint_id(root) == stream.notes["id"]:
        yield "the checkpoint is still that of the windows of 5 minutes"
    lengths = {row["window_end"] - row["window_start"] for row in stream.read_rows(path)}
    if lengths - {timedelta(minutes=10)}:
        yield f"the result has windows of other lengths: {lengths}"


def limit_batches(project: Path) -> None:
    """Give the job batches that are too small for its events."""
    path = project / "conf/dev.toml"
    limit = f"[source]\nmax_offsets_per_trigger = {LIMIT}\n"
    path.write_text(path.read_text("utf-8").replace("[source]\n", limit), "utf-8")


def send_too_much(stream: Stream) -> None:
    """Send more events than the job reads, without end."""
    note_checkpoint(stream)
    stream.open(f".venv/bin/python -m dev produce --rate {RATE}")


def check_lag(stream: Stream) -> Iterator[str]:
    """Check that the batches are large enough, on the same checkpoint."""
    limit = read_conf(stream, "dev")["source"].get("max_offsets_per_trigger")
    if limit is not None and limit < RATE * 10:
        yield f"{limit} records a batch are fewer than come in trigger.interval"
        return
    if stream.read_checkpoint_id() != stream.notes["id"]:
        yield "the job has another checkpoint"
    if max(read_batches(stream.project).values()) <= LIMIT:
        yield "no batch was larger than before: the job did not start with the new value"


def check_late(stream: Stream) -> Iterator[str]:
    """Check that the answer has the number of late events, and that nothing was changed."""
    answer = stream.folder / "late.md"
    if not answer.exists():
        yield "there is no late.md"
        return
    files = stream.folder.glob("build/dev/quarantine/*/*/part-*.json")
    lines = [line for path in files for line in path.read_text("utf-8").splitlines()]
    late = sum(json.loads(line)["reason"] == "late" for line in lines)
    if not re.search(rf"(?<!\d){late}(?!\d)", answer.read_text("utf-8").replace(",", "")):
        yield f"late.md does not say that {late} events were late"
    if read_conf(stream, "base")["watermark"]["delay"] != "10 minutes":
        yield "watermark.delay was changed"


def send_wrong_field(stream: Stream) -> None:
    """Send three events with the time in another field."""
    now = datetime.now(UTC).isoformat()
    wrong = {"at": now, "event_type": "view", "amount": 1.0}
    stream.send([{"event_id": f"wrong-{number}", **wrong} for number in range(3)])
    stream.sent += 3
    stream.wait_until_read()
    stream.notes |= {"time": now}


def check_quarantine(stream: Stream) -> Iterator[str]:
    """Check that the topic has each of the three events again, with its time, and no other."""
    lines = stream.read_source()
    if len(lines) != stream.sent + 3:
        yield f"the topic has {len(lines) - stream.sent} new records instead of 3"
    wanted = datetime.fromisoformat(stream.notes["time"])
    for number in range(3):
        found = [json.loads(line) for line in lines if f'"wrong-{number}"'.encode() in line]
        times = [event["event_time"] for event in found if event.get("event_time")]
        if [datetime.fromisoformat(time) for time in times] != [wanted]:
            yield f"wrong-{number} was sent with the times {times}"


def choose_time(stream: Stream) -> None:
    """Choose a time in the middle of the events."""
    note_checkpoint(stream)
    stream.notes["since"] = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)


def check_replay(stream: Stream) -> Iterator[str]:
    """Check that a second result begins at that time, and that the old one is as it was."""
    rows = stream.read_rows("build/replay/result")
    if not rows:
        yield "build/replay/result has no rows"
        return
    # Late events were up to half an hour older than the time at which they were sent.
    begin = stream.notes["since"] - timedelta(minutes=45)
    if min(row["window_start"] for row in rows).replace(tzinfo=UTC) < begin:
        yield "the new result begins before that time"
    if stream.read_checkpoint_id() != stream.notes["id"]:
        yield "the old job has another checkpoint"
    if not stream.read_rows(RESULT):
        yield "the old result is gone"


def add_login(project: Path) -> None:
    """Give production a login with a password in a file, and write the new one beside it."""
    path = project / "conf/prod.toml"
    login = """[source]
security = "SASL_SSL"
mechanism = "SCRAM-SHA-512"
username = "metrics"
password = "file:../secrets/kafka-password"
"""
    path.write_text(path.read_text("utf-8").replace("[source]\n", login), "utf-8")
    secrets = project.parent / "secrets"
    secrets.mkdir()
    (secrets / "kafka-password").write_text(PASSWORD, "utf-8")
    (secrets / "new-password").write_text(NEW_PASSWORD, "utf-8")


def check_rotation(stream: Stream) -> Iterator[str]:
    """Check that the job would read the new password, and that no file of the project has it."""
    secret = stream.folder.parent / "secrets/kafka-password"
    if secret.read_text("utf-8").strip() != NEW_PASSWORD:
        yield "the job would still read the old password"
    if read_conf(stream, "prod")["source"]["password"] != "file:../secrets/kafka-password":  # noqa: S105
        yield "conf/prod.toml reads another file"
    if not (stream.folder / "rotation.md").exists():
        yield "there is no rotation.md"
    for name, content in read_tree(stream.folder).items():
        if not name.startswith((".venv/", ".jars/")) and NEW_PASSWORD.encode() in content:
            yield f"{name} has the new password"


def choose_place(stream: Stream) -> None:
    """Choose a new place, outside of the project's build/."""
    note_checkpoint(stream)
    stream.notes["place"] = str(stream.folder.parent / "other-disk/checkpoint")


def check_moved(stream: Stream) -> Iterator[str]:
    """Check that the new place has the checkpoint, and that the old one refuses a start."""
    place = read_conf(stream, "dev")["checkpoint"]["root"]
    if (stream.folder / place).resolve() != Path(stream.notes["place"]).resolve():
        yield f"checkpoint.root in conf/dev.toml is {place}"
        return
    if stream.read_checkpoint_id(place) != stream.notes["id"]:
        yield "the new place has another checkpoint"
    if (stream.folder / CHECKPOINT / "manifest.json").exists():
        yield "a job can still start at the old place"
    if not list((stream.folder / place).glob("stream/commits/[0-9]*")):
        yield "the new place has no batch"


def read_conf(stream: Stream, name: str) -> dict[str, Any]:
    """Return a file of the configuration."""
    return tomllib.loads((stream.folder / f"conf/{name}.toml").read_text("utf-8"))


REQUESTS = {
    "add-a-column": Request(check_column),
    "change-the-window": Request(check_window, begin=note_checkpoint, is_live=True),
    "falling-behind": Request(check_lag, limit_batches, send_too_much, is_live=True),
    "late-events": Request(check_late, is_live=True),
    "replay-quarantine": Request(check_quarantine, begin=send_wrong_field, is_live=True),
    "replay-from-a-time": Request(check_replay, begin=choose_time, is_live=True),
    "add-an-aggregate": Request(check_aggregate),
    "rotate-credentials": Request(check_rotation, add_login),
    "move-the-checkpoint": Request(check_moved, begin=choose_place, is_live=True),
}
