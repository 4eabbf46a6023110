"""The set-up of the project: packages into `.venv`, and jars at the same time.

`install.py [--jars] [extra ...]` installs the project with these extras, `local` and `dev` by
default; `--jars` also downloads the jars. The module uses only the standard library, because it
runs before the installation.
"""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from . import jars
from .preflight import ENVIRONMENT_PROBLEM
from .progress import LOOK_SECONDS, Step, StepError, run

VENV = Path(".venv")
LOG = Path("build/install.log")
EXTRAS = ("local", "dev")
ERROR_LINES = 12
PIP_SOURCES = (
    *("cert", "client-cert", "constraint", "extra-index-url", "find-links", "index-url"),
    *("no-index", "proxy", "trusted-host"),
)
"""Settings of pip that say where packages come from; uv does not read them."""


def install(extras: Sequence[str], step: Step) -> None:
    """Install what is missing; an interrupted installation is completed."""
    LOG.parent.mkdir(exist_ok=True)
    LOG.write_bytes(b"")
    python, uv = str(VENV / "bin" / "python"), find_uv(sys.executable)
    if not _runs([python, *(["-c", ""] if uv else ["-m", "pip", "--version"])]):
        step.note = "making .venv"
        # Half of the time of a new environment is its pip.
        options = ["--without-pip"] if uv else []
        _log([sys.executable, "-m", "venv", "--clear", *options, str(VENV)], step)
    step.note = "looking for packages"
    _log([*make_installer(python, uv), "-e", f".[{','.join(extras)}]"], step)


def make_installer(python: str, uv: str) -> list[str]:
    """Return the command that installs packages for this Python: uv, or pip if uv is ''."""
    if uv:
        return [uv, "pip", "install", "--python", python]
    return [python, "-m", "pip", "--disable-pip-version-check", "install", "--progress-bar", "off"]


def find_uv(python: str) -> str:
    """Return the path of uv, or '' if it is not installed or would not use the settings of pip.

    An index of a company, for example, is often set for pip only, in pip.conf or PIP_INDEX_URL.
    """
    uv = shutil.which("uv")
    if not uv:
        return ""
    command = [python, "-m", "pip", "config", "list"]
    listed = subprocess.run(command, check=False, capture_output=True, text=True)
    # Lines such as global.index-url='https://…' and :env:.find-links='…'.
    keys = {line.partition("=")[0].rpartition(".")[2] for line in listed.stdout.splitlines()}
    return "" if listed.returncode or not keys.isdisjoint(PIP_SOURCES) else uv


def _runs(command: list[str]) -> bool:
    """Return whether the Python of the environment is there and works."""
    if not Path(command[0]).exists():
        return False
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def _log(command: list[str], step: Step) -> None:
    """Run a command with its output in the log, whose last line is the note of the step."""
    with LOG.open("ab") as log:
        running = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    try:
        while running.poll() is None and not step.stopped.wait(LOOK_SECONDS):
            step.note = _last_line() or step.note
    finally:
        running.kill()
        running.wait()
    if running.returncode:
        end = "\n".join(LOG.read_text("utf-8", "replace").splitlines()[-ERROR_LINES:])
        raise StepError(f"{LOG} ends with:\n{end}\nFix the cause, and run the same command again.")


def _last_line() -> str:
    lines = LOG.read_text("utf-8", "replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def main() -> int:
    """Run the steps that the command line asks for in parallel."""
    extras = [word for word in sys.argv[1:] if word != "--jars"] or EXTRAS
    steps = [Step("Installing packages (once)", lambda step: install(extras, step))]
    if "--jars" in sys.argv:
        steps.append(jars.make_step())
    return 0 if run(steps) else ENVIRONMENT_PROBLEM


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("Stopped. Run the same command again to go on.")
