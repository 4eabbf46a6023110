"""The set-up of a project: the choice of the installer, and the progress of its steps."""

import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import stream_devkit
from stream_devkit import install, progress
from stream_devkit.progress import Step, StepError

LIBRARY = str(Path(stream_devkit.__file__).parents[1])


@pytest.fixture(name="environment")
def _environment(monkeypatch, tmp_path):
    """Provide an empty folder, a program named uv that prints its arguments, and no pip.conf."""
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    uv = tmp_path / "bin" / "uv"
    uv.parent.mkdir()
    uv.write_text('#!/bin/sh\necho "uv $*"\n', "utf-8")
    uv.chmod(0o755)
    monkeypatch.setenv("PATH", f"{uv.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", LIBRARY)
    monkeypatch.chdir(tmp_path)
    return uv


def set_up(*words):
    """Run the set-up in the working directory."""
    command = [sys.executable, "-m", "stream_devkit.install", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_uv_installs_packages_where_it_is(environment):
    """The environment has no pip, and uv installs the project with its extras."""
    done = set_up("demo", "dev")

    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("Installing packages (once): done in ")
    assert "uv pip install --python .venv/bin/python -e .[demo,dev]" in install.LOG.read_text()
    assert Path(".venv/bin/python").exists()
    assert not Path(".venv/bin/pip").exists()
    assert environment.exists()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PIP_INDEX_URL", "https://pypi.example.com/simple"),
        ("PIP_FIND_LINKS", "wheels"),
        ("PIP_CONFIG_FILE", "pip.conf"),
    ],
)
def test_pip_installs_packages_if_it_has_settings_for_them(
    environment, monkeypatch, variable, value
):
    """An index that is set for pip is not ignored: uv does not read it."""
    Path("pip.conf").write_text("[install]\nindex-url = https://pypi.example.com/simple\n", "utf-8")
    assert install.find_uv(sys.executable) == str(environment)

    monkeypatch.setenv(variable, value)

    assert install.find_uv(sys.executable) == ""


def test_pip_installs_packages_if_nothing_says_what_its_settings_are(environment):
    """A Python without pip cannot be asked for them."""
    python = environment.with_name("python-without-pip")
    python.write_text("#!/bin/sh\nexit 1\n", "utf-8")
    python.chmod(0o755)

    assert install.find_uv(str(python)) == ""


def test_a_failed_installation_shows_the_end_of_its_log(environment):
    """The message has the last lines of the log and says what to do; the exit code is 5."""
    environment.write_text("#!/bin/sh\necho no such package\nexit 1\n", "utf-8")

    done = set_up()

    assert done.returncode == 5
    assert "build/install.log ends with:\nno such package\nFix the cause" in done.stderr
    assert "Traceback" not in done.stderr


# Steps


def test_steps_run_in_parallel_and_a_failed_one_stops_no_other(capsys):
    """Each step has a line about its end, also after the failure of another one."""
    failed = threading.Event()

    def fail(_):
        failed.set()
        raise StepError("no network. Check it.")

    assert not progress.run([Step("First", lambda _: failed.wait(20)), Step("Second", fail)])

    said = capsys.readouterr().err
    assert "Second failed: no network. Check it.\n" in said
    assert "First: done in " in said


def test_steps_report_their_progress_in_a_pipe(monkeypatch, capsys):
    """Every few seconds there is a line with the note of each step that runs."""
    monkeypatch.setattr(progress, "SPEAK_SECONDS", 0.05)

    def work(step):
        step.note = "1 of 3"
        time.sleep(1)

    assert progress.run([Step("Downloading", work), Step("Installing", work)])

    said = capsys.readouterr().err
    for title in ("Downloading", "Installing"):
        assert len(re.findall(rf"^{title}, \d s: 1 of 3$", said, re.MULTILINE)) > 1


def test_an_unexpected_error_is_not_hidden():
    """An error of the program itself ends the set-up with its traceback."""
    with pytest.raises(ZeroDivisionError):
        progress.run([Step("Dividing", lambda _: 1 / 0)])
