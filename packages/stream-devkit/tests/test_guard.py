"""The guard for coding agents stops what damages a stream, and nothing else."""

import io
import json
import sys

import pytest
from stream_devkit import guard

DEV = """
[sink]
path = "build/dev/result"
[checkpoint]
root = "build/dev/checkpoint"
"""
PROD = """
[source]
table = "main.raw.clicks"
[sink]
table = "main.streams.totals"
[checkpoint]
root = "s3://bucket/streams/clicks/state"
"""
STOPPED_COMMANDS = {
    "deletion of a checkpoint": [
        "rm -rf build/dev/checkpoint",
        "rm -rf build",
        "rm -rf ./build/dev/",
        "rm -rf build/*",
        "rm -rf /",
        "rm -rf ..",
        "rm -r file:build/dev",
        "cd build && rm -r dev",
        "cd build\nrm -r dev",
        "rm build/dev/checkpoint/stream/offsets/7",
        "sudo rm -rf build/dev/checkpoint",
        "bash -c 'rm -rf build/dev/checkpoint'",
        "make stop; FOO=1 rm -rf build/dev/checkpoint && make run",
        "find build/dev/checkpoint -name '*.delta' -delete",
        "aws s3 rm --recursive s3://bucket/streams/clicks",
        "hdfs dfs -rm -r /streams/other/checkpoint",
        "kubectl exec driver -- rm -rf /data/checkpoint",
        "databricks fs rm -r dbfs:/Volumes/main/streams/checkpoint",
        "python3 -c \"import shutil; shutil.rmtree('build/dev/checkpoint')\"",
        "git clean -fdx",
        "git clean -x -f",
        "echo {} > build/dev/checkpoint/manifest.json",
    ],
    "edit of a vendored file": [
        "sed -i 's/3/4/' lib/stream_runtime/errors.py",
        "echo x >> lib/stream_runtime/run.py",
        "cat new.py | tee lib/stream_runtime/run.py",
        "cp new.py lib/stream_runtime/run.py",
        "rm lib/stream_runtime/run.py",
    ],
    "removal of a table": [
        "psql -c 'DROP TABLE totals_ledger'",
        "spark-sql -e 'vacuum main.streams.totals RETAIN 0 HOURS'",
        "spark-sql -e 'VACUUM delta.`/work/project/build/dev/result`'",
        "echo 'TRUNCATE main.raw.clicks' | psql",
        "psql -c 'DROP SCHEMA streams CASCADE'",
        ".venv/bin/python -c \"DeltaTable('build/dev/result').vacuum(0)\"",
    ],
    "secret in a file": [
        "echo 'password = \"hunter2\"' >> conf/prod.toml",
        "cat > conf/prod.toml <<'END'\n[sink]\npassword = \"hunter2\"\nEND",
        "sed -i 's/^# user.*/password = \"hunter2\"/' conf/prod.toml",
        "echo AKIAABCDEFGHIJKLMNOP > notes.txt",
    ],
}
ALLOWED_COMMANDS = [
    "make clean",
    "make check test demo",
    "rm -rf build/replay .mypy_cache",
    "rm build/dev/*.jsonl",
    "rm -f notes.md fixed.ndjson",
    "rm -rf /tmp/other",
    "docker rm old",
    "cp -r build/dev/checkpoint build/dev/moved",
    "mv build/dev/checkpoint/manifest.json build/dev/checkpoint/manifest.moved",
    "ls -R build/dev/checkpoint | head",
    "cat build/dev/checkpoint/status.json",
    "cat lib/stream_runtime/run.py | grep -n checkpoint > build/notes",
    "cp lib/stream_runtime/errors.py /tmp/errors.py",
    "sed -n '1,20p' lib/stream_runtime/errors.py",
    "git checkout -- lib",
    "git clean -fd",
    "git rm docs/old.md",
    "git commit -m 'Remove the DROP TABLE of totals, and rm -rf build/dev/checkpoint'",
    'git commit -m "Don\'t delete a checkpoint"',
    "grep -rn 'VACUUM' docs",
    "grep -rn rm build/dev/checkpoint",
    "psql -c 'SELECT count(*) FROM totals'",
    "psql -c 'DROP TABLE scratch'",
    "spark-sql -e 'OPTIMIZE main.streams.totals'",
    ".venv/bin/python -m pytest -k vacuum tests/test_sink.py",
    "export STREAM__SINK__PASSWORD=hunter2",
    "echo 'password = \"file:/run/secrets/sink\"' >> conf/prod.toml",
    "sed -i 's/10 minutes/20 minutes/' conf/base.toml",
    "python3 -c \"print('it''s')\"",
    "aws s3 ls s3://bucket/streams/clicks/state",
    'echo "unfinished',
    "",
]
WRITES = [
    ("lib/stream_runtime/run.py", "x = 1", True),
    ("lib/notes.md", "", True),
    ("library/run.py", "x = 1", False),
    ("src/clicks/transform.py", 'KEY = "token"\npassword = settings.password', False),
    ("tests/test_sink.py", 'make_settings(password="x")', False),
    ("tests/test_sink.py", "-----BEGIN RSA PRIVATE KEY-----", True),
    ("conf/prod.toml", 'password = "hunter2"', True),
    ("conf/prod.toml", "STREAM__SINK__PASSWORD=hunter2", True),
    ("conf/prod.toml", '# password = "hunter2"', True),
    ("conf/prod.toml", '# password = "file:/its/path"', False),
    ("conf/prod.toml", 'password = "file:/its/path"', False),
    ("conf/prod.toml", 'password = ""', False),
    ("deploy/application.yml", "secretKeyRef:\n  key: password", False),
    ("deploy/application.yml", "password: ${PASSWORD}", False),
    ("deploy/application.yml", "password: hunter2", True),
    ("deploy/main.py", "token = scope.get(key)", False),
    ("build/dev/checkpoint/manifest.json", "{}", True),
    (".claude/settings.local.json", '{"disableAllHooks": true}', True),
    ("docs/runbook.md", "Never run VACUUM on main.streams.totals", False),
]


@pytest.fixture
def project(tmp_path):
    """Return a project with a local and a remote checkpoint, and tables."""
    conf = tmp_path / "conf"
    conf.mkdir()
    (conf / "dev.toml").write_text(DEV, "utf-8")
    (conf / "prod.toml").write_text(PROD, "utf-8")
    return guard.read_project(tmp_path)


def run(command, project):
    """Return the guard's reason against a shell command."""
    return guard.refusal({"tool_name": "Bash", "tool_input": {"command": command}}, project)


@pytest.mark.parametrize("command", [c for kind in STOPPED_COMMANDS.values() for c in kind])
def test_a_damaging_command_is_stopped(command, project):
    """A command that deletes a checkpoint, removes a table or writes a secret has a refusal."""
    assert run(command, project).endswith(".")


@pytest.mark.parametrize("command", ALLOWED_COMMANDS)
def test_an_ordinary_command_runs(command, project):
    """Reading, building, and deleting other files is allowed."""
    assert run(command, project) == ""


@pytest.mark.parametrize("key", ["content", "new_string"])
@pytest.mark.parametrize(("path", "text", "stopped"), WRITES)
def test_a_file_is_written_unless_it_is_protected(path, text, stopped, key, project):
    """Vendored files, checkpoints, the guard's settings and secrets are not written."""
    tool_input = {"file_path": str(project.root / path), key: text}

    assert bool(guard.refusal({"tool_input": tool_input}, project)) is stopped


def test_every_edit_of_a_call_is_checked(project):
    """A secret in the second of several edits is found."""
    edits = [{"new_string": "x = 1"}, {"new_string": 'password = "hunter2"'}]
    tool_input = {"file_path": "conf/prod.toml", "edits": edits}

    assert guard.refusal({"tool_input": tool_input}, project)


def test_a_broken_configuration_is_left_out(project):
    """The guard also works while conf/ is not valid TOML."""
    (project.root / "conf/prod.toml").write_text("[sink\n", "utf-8")

    assert guard.read_project(project.root).tables == {"build/dev/result"}


@pytest.mark.parametrize(("command", "code"), [("rm -rf build", 2), ("make test", 0)])
def test_the_exit_code_stops_the_call(command, code, project, monkeypatch, capsys):
    """Claude Code stops a call for exit code 2, and shows standard error to the agent."""
    call = {"tool_name": "Bash", "tool_input": {"command": command}, "cwd": str(project.root)}
    monkeypatch.setenv("CLAUDE_PROJECT_DIR", str(project.root))
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(call)))

    assert guard.main() == code
    assert bool(capsys.readouterr().err) is (code == guard.STOPPED)
