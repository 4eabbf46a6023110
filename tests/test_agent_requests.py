"""The evaluation in proof/agent/: what can be checked without an agent."""

import json
import shutil
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from proof.agent import checks, run
from proof.agent.checks import REQUESTS
from tests.examples import ROOT, bake
from tests.playbooks import Stream, install

SINCE = datetime(2026, 3, 2, 6, tzinfo=UTC)
EVENT = {"event_id": "wrong-0", "event_type": "view"}
ROTATION = "cp ../secrets/new-password ../secrets/kafka-password && touch rotation.md"
WITH_SPARK = ("add-a-column", "add-an-aggregate")


class Prepared(Stream):
    """A project as it is before a request, without servers; its topic is a list."""

    def __init__(self, project, request):
        super().__init__(project, ExitStack())
        request.prepare(self.folder)
        self.notes = {
            "id": "first",
            "since": SINCE,
            "time": SINCE.isoformat(),
            "place": str(self.folder / "moved"),
        }
        self.topic = [json.dumps({**EVENT, "event_id": f"wrong-{n}"}).encode() for n in range(3)]
        self.sent = len(self.topic)
        self.write("build/dev/checkpoint/manifest.json", {"checkpoint_id": "first"})
        self.write("build/dev/checkpoint/stream/commits/0", {})
        self.write_batch(checks.LIMIT)
        self.write("build/dev/quarantine/first/000000/part-0.json", {"reason": "late"})

    def write(self, name, facts):
        """Write a file of JSON."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(facts) + "\n", "utf-8")

    def write_batch(self, rows):
        """Write metrics of one batch."""
        batch = {"event": "batch", "batch_id": 0, "input_rows": rows}
        self.write("build/dev/metrics.jsonl", batch)

    def read_source(self, since=None):  # noqa: ARG002 - as in Stream
        """Return the list."""
        return self.topic

    def write_rows(self, path, minutes):
        """Write a result with one window of this length."""
        window = {"window_start": [SINCE], "window_end": [SINCE + timedelta(minutes=minutes)]}
        write_deltalake(self.folder / path, pa.table(window))


def add_column(stream):
    """Group by country as well, as the playbook says."""
    package, project = f"src/{stream.package}", stream.project
    project.edit(
        f"{package}/schema.py",
        '"amount": "DOUBLE",',
        '"amount": "DOUBLE",\n    "country": "STRING",',
    )
    project.edit(f"{package}/schema.py", '"window_end", KEY)', '"window_end", KEY, "country")')
    project.edit(f"{package}/window.py", "quote(schema.KEY))", 'quote(schema.KEY), "country")')
    project.edit(
        f"{package}/window.py",
        "quote(schema.KEY),\n",
        'quote(schema.KEY),\n            "country",\n',
    )
    project.edit(
        "tests/oracle.py",
        "    stream = oracle.read(",
        """    batches = [
        [{**event, "group": (event[schema.KEY], event.get("country"))} for event in events]
        for events in batches
    ]
    stream = oracle.read(""",
    )
    project.edit(
        "tests/oracle.py",
        "        stream,\n        schema.EVENT,",
        '        stream,\n        dataclasses.replace(schema.EVENT, key="group"),',
    )
    project.edit(
        "tests/oracle.py",
        "from stream_devkit import oracle",
        "import dataclasses\n\nfrom stream_devkit import oracle",
    )
    project.edit(
        "tests/oracle.py",
        "schema.KEY: window.key,",
        'schema.KEY: window.key[0],\n        "country": window.key[1],',
    )
    project.edit(
        "README.md", "`window_end`, `event_type`,", "`window_end`, `event_type`, `country`,"
    )
    project.edit(
        "AGENTS.md", "each window and `event_type`", "each window, `event_type`, `country`"
    )


def add_aggregate(stream):
    """Add the maximum, as the playbook says."""
    package, project = f"src/{stream.package}", stream.project
    project.edit(
        f"{package}/window.py", "*totals)", '*totals, F.max("amount").alias("max_amount"))'
    )
    project.edit(
        f"{package}/window.py",
        "schema.MEASURES),\n        )",
        'schema.MEASURES),\n            "max_amount",\n        )',
    )
    project.edit(
        "tests/oracle.py",
        "    return row",
        """    amounts = [event.get("amount") for event in window.events]
    row["max_amount"] = max((one for one in amounts if one is not None), default=None)
    return row""",
    )
    project.edit("README.md", "`total_amount` |", "`total_amount`, `max_amount` |")


def change_window(stream):
    """Set the duration, correct README.md and start over."""
    stream.project.edit("conf/base.toml", 'duration = "5 minutes"', 'duration = "10 minutes"')
    stream.project.edit("README.md", "(5 minutes)", "(10 minutes)")
    stream.write("build/dev/checkpoint/manifest.json", {"checkpoint_id": "second"})
    stream.write_rows(checks.RESULT, minutes=10)


def raise_limit(stream):
    """Read larger batches."""
    stream.project.edit("conf/dev.toml", f"= {checks.LIMIT}", "= 100000")
    stream.write_batch(5000)


def send_again(stream):
    """Send the three events with their time."""
    events = [json.loads(line) for line in stream.topic]
    stream.topic += [
        json.dumps({**event, "event_time": stream.notes["time"]}).encode() for event in events
    ]


def replay(stream):
    """Write a second result."""
    stream.write_rows(checks.RESULT, minutes=5)
    stream.write_rows("build/replay/result", minutes=5)


def rotate(stream):
    """Put the new password where the job reads it."""
    secrets = stream.folder.parent / "secrets"
    shutil.copyfile(secrets / "new-password", secrets / "kafka-password")
    (stream.folder / "rotation.md").write_text("Drain, start, revoke the old one.\n", "utf-8")


def move(stream):
    """Copy the checkpoint, and rename the old manifest."""
    old = stream.folder / checks.CHECKPOINT
    shutil.copytree(old, stream.notes["place"])
    (old / "manifest.json").rename(old / "manifest.json.moved")
    stream.project.edit("conf/dev.toml", checks.CHECKPOINT, "moved")


SOLUTIONS = {
    "add-a-column": add_column,
    "change-the-window": change_window,
    "falling-behind": raise_limit,
    "late-events": lambda stream: (stream.folder / "late.md").write_text("1 event.\n", "utf-8"),
    "replay-quarantine": send_again,
    "replay-from-a-time": replay,
    "add-an-aggregate": add_aggregate,
    "rotate-credentials": rotate,
    "move-the-checkpoint": move,
}


@pytest.fixture(name="stream")
def _stream(name, tmp_path):
    """Provide the project of a request."""
    return Prepared(install(bake(tmp_path)), REQUESTS[name])


@pytest.mark.parametrize("name", REQUESTS)
def test_an_untouched_project_is_not_the_end_state(stream, name):
    """The check of each request finds what is missing."""
    assert list(REQUESTS[name].check(stream))


@pytest.mark.parametrize("name", [name for name in REQUESTS if name not in WITH_SPARK])
def test_a_solution_is_the_end_state(stream, name):
    """The check of each request accepts a solution."""
    SOLUTIONS[name](stream)

    assert list(REQUESTS[name].check(stream)) == []


@pytest.mark.life
@pytest.mark.parametrize("name", WITH_SPARK)
def test_a_change_of_the_result_is_the_end_state(stream, name):
    """The check accepts a change that was made as its playbook says, and Spark agrees."""
    SOLUTIONS[name](stream)

    assert list(REQUESTS[name].check(stream)) == []


@pytest.mark.parametrize("name", ["rotate-credentials"])
def test_a_password_in_the_project_is_found(stream, name):
    """Whoever writes the new password into a file of the project has not reached the end state."""
    rotate(stream)
    stream.project.edit("rotation.md", "Drain", checks.NEW_PASSWORD)

    assert list(REQUESTS[name].check(stream)) == ["rotation.md has the new password"]


def test_each_request_has_its_text():
    """The folder has the words of the user for each request, with all that they name."""
    notes = {"since": SINCE, "place": "/elsewhere"}
    names = {path.stem for path in (ROOT / "proof/agent/requests").iterdir()}

    assert names == REQUESTS.keys() == SOLUTIONS.keys()
    for name, request in REQUESTS.items():
        assert "{" not in request.read_text(name, notes)


@pytest.mark.parametrize(
    ("agent", "code"),
    [
        ("true", 1),
        (f"sh -c 'grep -q password && {ROTATION}'", 0),
        (f"sh -c 'test -n \"$0\" && {ROTATION}' {{prompt}}", 0),
    ],
    ids=["idle", "by-input", "by-argument"],
)
def test_the_runner_works_with_any_command(capsys, agent, code):
    """The agent gets the prompt as its input or as an argument, and the runner checks the end."""
    assert run.main(["--agent", agent, "--request", "rotate-credentials"]) == code
    assert "not reached" in capsys.readouterr().out or not code


def test_an_agent_without_end_is_stopped():
    """An agent that takes too long has not reached the end state."""
    assert "not done" in run.evaluate("rotate-credentials", "sleep 1000", minutes=0.01)[0]
