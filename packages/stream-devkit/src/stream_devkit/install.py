"""The set-up of the project: packages into `.venv`, and jars at the same time.

`install.py [--jars] [extra ...]` installs the project with these extras, `local` and `dev` by
default; `--jars` also downloads the jars. The module uses only the standard library, because it
runs before the installation.
"""

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


def install(extras: Sequence[str], step: Step) -> None:
    """Install what is missing; an interrupted installation is completed."""
    LOG.parent.mkdir(exist_ok=True)
    LOG.write_bytes(b"")
    python = str(VENV / "bin" / "python")
    pip = [python, "-m", "pip", "--disable-pip-version-check"]
    if not _runs([*pip, "--version"]):
        step.note = "making .venv"
        _log([sys.executable, "-m", "venv", "--clear", str(VENV)], step)
    step.note = "looking for packages"
    _log([*pip, "install", "--progress-bar", "off", "-e", f".[{','.join(extras)}]"], step)


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
