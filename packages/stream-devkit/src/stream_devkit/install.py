"""The installation of the project into `.venv`, with one line of progress and a log.

`install.py [extra ...]` installs the project with these extras, `local` and `dev` by default.
It uses only the standard library, because it runs before the installation.
"""

import subprocess
import sys
import time
from pathlib import Path

VENV = Path(".venv")
LOG = Path("build/install.log")
EXTRAS = ("local", "dev")
LOOK_SECONDS = 0.3
SPEAK_SECONDS = 10
"""Seconds between two lines of progress where the output is not a terminal."""
WIDTH = 78


def main() -> int:
    """Install what is missing; an interrupted installation is completed."""
    LOG.parent.mkdir(exist_ok=True)
    LOG.write_bytes(b"")
    python = VENV / "bin" / "python"
    if not _runs(python):
        _quietly("Making .venv", [sys.executable, "-m", "venv", "--clear", str(VENV)])
    pip = [str(python), "-m", "pip", "--disable-pip-version-check"]
    project = f".[{','.join(sys.argv[1:] or EXTRAS)}]"
    install = [*pip, "install", "--progress-bar", "off", "-e", project]
    _quietly("Installing packages (once)", install)
    return 0


def _runs(python: Path) -> bool:
    """Return whether the virtual environment exists and works."""
    if not python.exists():
        return False
    command = [str(python), "-m", "pip", "--version"]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def _quietly(what: str, command: list[str]) -> None:
    """Run a command with its output in the log; exit with the log's end if it fails."""
    begun = spoken = time.monotonic()
    with LOG.open("ab") as log:
        running = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    try:
        while running.poll() is None:
            time.sleep(LOOK_SECONDS)
            now = time.monotonic()
            if sys.stderr.isatty() or now - spoken > SPEAK_SECONDS:
                _say(f"{what}, {now - begun:.0f} s: {_last_line()}")
                spoken = now
    finally:
        running.kill()
        running.wait()
    if running.returncode:
        end = "\n".join(LOG.read_text("utf-8", "replace").splitlines()[-12:])
        sys.exit(f"{what} failed; {LOG} ends with:\n{end}\nFix the cause and run make again.")
    _say(f"{what}: done in {time.monotonic() - begun:.0f} s", last=True)


def _say(line: str, *, last: bool = False) -> None:
    """Overwrite the line on a terminal; elsewhere print a new one."""
    if sys.stderr.isatty():
        sys.stderr.write("\r" + line[:WIDTH].ljust(WIDTH) + "\n" * last)
    else:
        sys.stderr.write(line[:WIDTH] + "\n")
    sys.stderr.flush()


def _last_line() -> str:
    lines = LOG.read_text("utf-8", "replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("Stopped. Run the same command again to go on.")
