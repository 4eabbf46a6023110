"""What a project says to common mistakes: `make docs` writes proof/errors.md."""

import contextlib
import io
import os
import shlex
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

from stream_runtime.checkpoint import sole_driver
from stream_runtime.cli import main

from tests.examples import ROOT, bake
from tests.matrix import import_project

PAGE = ROOT / "proof" / "errors.md"
PACKAGE = "clickstream_metrics"
SHELL = {"PATH": os.environ["PATH"]}
TEXT = """\
# Errors

<!-- Written by `make docs`; run it instead of changing this page. -->

What a project says if something is wrong: each row is a real command in the default project. `job`
stands for `python -m clickstream_metrics`. `tests/test_errors.py` compares the page with the code.

"""


@dataclass(frozen=True)
class Mistake:
    """A common mistake: the command, and what is there when it runs."""

    what: str
    command: str
    files: dict[str, str] = field(default_factory=dict)
    """Files of the project, with their text; an existing one gets it at its end."""
    variables: dict[str, str] = field(default_factory=dict)
    around: Callable = contextlib.nullcontext

    def format(self):
        """Return the command line."""
        variables = [f"{name}={shlex.quote(value)}" for name, value in self.variables.items()]
        return " ".join([*variables, self.command])


@contextlib.contextmanager
def other_driver():
    """Hold the lock of the checkpoint, as a running job does."""
    with sole_driver("build/dev/checkpoint"):
        yield


MISTAKES = [
    Mistake("A table is misspelt", "job run --set windw.duration='1 hour'"),
    Mistake("A key is misspelt", "job run --set window.durtion='1 hour'"),
    Mistake("An override has no value", "job run --set window.duration"),
    Mistake("A duration has no unit", "job run --set window.duration=5"),
    Mistake("A duration has a wrong unit", "job run --set window.duration='5 minuts'"),
    Mistake("A duration is negative", "job run --set watermark.delay='-5 minutes'"),
    Mistake(
        "A variable has one underscore",
        "job run",
        variables={"STREAM_WINDOW_DURATION": "1 hour"},
    ),
    Mistake("An environment does not exist", "job run --env prd"),
    Mistake("Production has placeholders", "job run --env prod"),
    Mistake(
        "The checkpoint in production is a local disk",
        "job doctor --env prod --set checkpoint.root=/data",
    ),
    Mistake("The checkpoint is the root of a disk", "job run --set checkpoint.root=/"),
    Mistake(
        "Quarantine is inside the checkpoint",
        "job run --set quarantine.path=build/dev/checkpoint/quarantine",
    ),
    Mistake("A broker has no port", "job run --set source.bootstrap_servers=broker"),
    Mistake("A password is on the command line", "job run --set source.password=x"),
    Mistake(
        "A secret is in the configuration",
        "job run --env mine",
        {"conf/mine.toml": '[source]\npassword = "x"\n'},
    ),
    Mistake("The file of a secret is missing", "job run --set source.password=file:secret"),
    Mistake("A login is incomplete", "job run --set source.username=u"),
    Mistake("The broker does not run", "job run"),
    Mistake("A second driver starts", "job run", around=other_driver),
    Mistake("There is no job to stop", "job stop"),
    Mistake("A file run has no output", "job run --input events.ndjson"),
    Mistake("A file run has no input", "job run --output out"),
    Mistake("The input does not exist", "job run --input events.ndjson --output out"),
    Mistake(
        "The input is CSV",
        "job run --input events.csv --output out",
        {"events.csv": "event_id,event_time\na,2026-03-02\n"},
    ),
    Mistake(
        "The input is one JSON array",
        "job run --input events.json --output out",
        {"events.json": '[{"event_id": "a"},\n{"event_id": "b"}]\n'},
    ),
    Mistake(
        "A configuration is no TOML",
        "job run",
        {"conf/dev.toml": "\n[source\n"},
    ),
    Mistake("`deploy/submit.sh` is called without Spark", "deploy/submit.sh run --env prod"),
    Mistake(
        "SPARK_HOME names a folder without Spark",
        "env SPARK_HOME=conf SPARK_MASTER=yarn deploy/submit.sh run --env prod",
    ),
]


def run_all():
    """Make each mistake in the default project; yield it with the exit code and what is printed."""
    with tempfile.TemporaryDirectory() as folder:
        project = bake(folder)
        with import_project(project, PACKAGE) as load:
            job = load(".job").JOB
            for mistake in MISTAKES:
                exit_code, said = _make(mistake, project, job)
                yield mistake, exit_code, said.replace(str(project.resolve()), "/project")


def _make(mistake, project, job):
    program, *arguments = shlex.split(mistake.command)
    with (
        contextlib.chdir(project),
        _written(mistake.files),
        mock.patch.dict(os.environ, mistake.variables),
        mistake.around(),
    ):
        if program == "job":
            return _run_job(job, arguments)
        done = subprocess.run(
            [program, *arguments], capture_output=True, text=True, check=False, env=SHELL
        )
        return done.returncode, done.stdout + done.stderr


@contextlib.contextmanager
def _written(files):
    """Write files, or append to those of the project; restore them at the end."""
    before = {
        name: Path(name).read_text("utf-8") if Path(name).exists() else None for name in files
    }
    for name, text in files.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text((before[name] or "") + text, "utf-8")
    yield
    for name, text in before.items():
        Path(name).unlink() if text is None else Path(name).write_text(text, "utf-8")


def _run_job(job, arguments):
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
        try:
            exit_code = main(job, arguments)
        except SystemExit as end:
            exit_code = end.code
    return exit_code, said.getvalue()


def render():
    """Return the text of the page."""
    parts = [
        f"## {mistake.what}\n\n    $ {mistake.format()}\n{_indent(said)}\n\nExit code {code}.\n"
        for mistake, code, said in run_all()
    ]
    return TEXT + "\n".join(parts)


def _indent(text):
    return "\n".join(f"    {line}".rstrip() for line in text.strip().splitlines())


if __name__ == "__main__":
    PAGE.write_text(render(), "utf-8")
