"""A generated project, and a shell in it."""

import contextlib
import os
import subprocess
import time

MINUTES = 20
HIDDEN = ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "MAKEFLAGS", "MAKELEVEL", "MFLAGS")


class Project:
    """A generated project, and a shell in it."""

    def __init__(self, folder, **variables):
        self.folder = folder
        self.variables = variables

    def run(self, *command, **variables):
        """Run a command; its exit code and all it printed."""
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self._environment() | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=MINUTES * 60,
            check=False,
        )
        return done.returncode, done.stdout

    @contextlib.contextmanager
    def staying(self, command, sign):
        """Run a command that stays; enter once it has printed the sign, and end it at the end."""
        log = self.folder / "build/staying.log"
        log.parent.mkdir(exist_ok=True)
        with log.open("wb") as output:
            running = subprocess.Popen(
                ["sh", "-c", f"exec {command}"],
                cwd=self.folder,
                env=self._environment(),
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            while sign not in log.read_text("utf-8", "replace"):
                assert running.poll() is None, log.read_text("utf-8", "replace")
                time.sleep(0.2)
            yield running
        finally:
            running.terminate()
            running.wait()

    def _environment(self):
        outer = {key: to for key, to in os.environ.items() if key not in HIDDEN}
        return outer | self.variables

    def edit(self, name, old, new):
        """Change a line of a file."""
        path = self.folder / name
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new), "utf-8")
