"""The requirements of the demo: child processes, Java."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import stream_devkit
import stream_runtime
from stream_devkit import preflight
from stream_devkit.servers.process import Process

LIBRARY = os.pathsep.join(
    str(Path(package.__file__).parents[1]) for package in (stream_devkit, stream_runtime)
)

# Processes


def test_a_process_dies_with_the_program_that_started_it(tmp_path):
    """After a kill -9 of the parent, its child processes end."""
    program = (
        "import sys, time; from pathlib import Path\n"
        "from stream_devkit.servers.process import Process\n"
        f"Process(['sh', '-c', 'echo $$; exec sleep 60'], Path({str(tmp_path / 'log')!r}))\n"
        "time.sleep(60)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program], env=os.environ | {"PYTHONPATH": LIBRARY}
    )
    child = int(_eventually(lambda: (tmp_path / "log").read_text("utf-8")))

    parent.kill()
    parent.wait()

    assert _eventually(lambda: not _is_alive(child))


def test_a_process_that_ignores_a_request_is_killed_with_its_children(tmp_path):
    """`stop` kills a process that ignores SIGTERM after its timeout, with all descendants."""
    script = "trap '' TERM; sleep 60 & echo $!; wait"
    process = Process(["sh", "-c", script], tmp_path / "log")
    grandchild = int(_eventually(process.last_lines))

    process.stop(seconds=0.2)

    assert process.exit_code == 128 + signal.SIGKILL
    assert _eventually(lambda: not _is_alive(grandchild))


def _is_alive(pid: int) -> bool:
    state = Path(f"/proc/{pid}/stat")
    try:
        os.kill(pid, 0)
        return not state.exists() or " Z " not in state.read_text("utf-8")
    except (ProcessLookupError, FileNotFoundError):
        return False


def _eventually(found, seconds=20):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if seen := found():
                return seen
        except FileNotFoundError:
            pass
        time.sleep(0.02)
    pytest.fail("the condition is not reached in time")


# Java


def test_a_missing_java_is_one_clear_line(tmp_path):
    """A missing Java is one line with a fix and exit code 5, without a stack trace."""
    said = _preflight(PATH=str(tmp_path), JAVA_HOME="")

    assert said.returncode == preflight.ENVIRONMENT_PROBLEM
    assert said.stderr.count("\n") == 1
    assert "Java 17 or newer is needed, and there is no java on PATH" in said.stderr
    assert "apt install" in said.stderr


@pytest.mark.parametrize(
    ("printed", "found"),
    [('java version "1.8.0_202"', "is Java 8"), ('openjdk version "11.0.2" 2019', "is Java 11")],
)
def test_an_old_java_is_named_with_its_version(tmp_path, printed, found):
    """The message names the version of an old Java, also in the old version format."""
    java = _fake_java(tmp_path, f"echo '{printed}' >&2")

    said = _preflight(PATH=str(tmp_path), JAVA_HOME="")

    assert said.returncode == preflight.ENVIRONMENT_PROBLEM
    assert said.stderr.count("\n") == 1
    assert f"{java} {found}" in said.stderr


def test_a_java_that_fails_is_missing(tmp_path):
    """A `java` that fails counts as missing, as on macOS; JAVA_HOME is used before PATH."""
    _fake_java(tmp_path / "bin", "echo Unable to locate a Java Runtime; exit 1")

    said = _preflight(PATH=os.environ["PATH"], JAVA_HOME=str(tmp_path))

    assert said.returncode == preflight.ENVIRONMENT_PROBLEM
    assert f"JAVA_HOME={tmp_path} is no working Java" in said.stderr


def test_a_supported_java_gives_no_output(tmp_path):
    """A supported Java gives no output and exit code 0."""
    _fake_java(tmp_path, "echo 'openjdk version \"21.0.1\" 2023-10-17' >&2")

    said = _preflight(PATH=str(tmp_path), JAVA_HOME="")

    assert (said.returncode, said.stderr) == (0, "")


@pytest.mark.parametrize(
    ("spark", "java", "supported"),
    [
        ("4.2.0", 25, True),
        ("4.1.3", 25, False),
        ("4.0.4", 25, False),
        ("4.0.4", 23, False),
        ("4.1.3", 21, True),
        ("", 25, True),
    ],
)
def test_a_java_that_is_too_new_for_spark_is_refused(tmp_path, spark, java, supported):
    """The message names both versions and says what to do, before Spark starts."""
    path = _fake_java(tmp_path, f"echo 'openjdk version \"{java}.0.1\"' >&2")
    pin = f'"pyspark=={spark}"' if spark else '"pyspark-client"'
    (tmp_path / "pyproject.toml").write_text(f"local = [{pin}]\n", "utf-8")

    said = _preflight(cwd=tmp_path, PATH=str(tmp_path), JAVA_HOME="")

    assert (said.returncode, said.stderr.count("\n")) == ((0, 0) if supported else (5, 1))
    if not supported:
        assert f"Spark {spark[:3]} needs Java 17 to 22, and {path} is Java {java}. " in said.stderr
        assert "Install Java 17" in said.stderr


def _fake_java(folder: Path, script: str) -> Path:
    folder.mkdir(exist_ok=True)
    java = folder / "java"
    java.write_text(f"#!/bin/sh\n{script}\n", "utf-8")
    java.chmod(0o755)
    return java


def _preflight(cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, preflight.__file__, "java"]
    environment["PYTHONPATH"] = LIBRARY
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
