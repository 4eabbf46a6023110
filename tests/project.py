"""Commands in the folder of a generated project."""

import contextlib
import os
import subprocess
import time

COMMAND_MINUTES = 20
HIDDEN_VARIABLES = ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "MAKEFLAGS", "MAKELEVEL", "MFLAGS")


class Project:
    """A folder in which a test runs commands, usually a generated project.

    Args:
        folder: the working directory of the commands.
        variables: environment variables of all commands.
    """

    def __init__(self, folder, **variables):
        self.folder = folder
        self.variables = variables

    def run(self, *command, **variables):
        """Run a command; return its exit code and its output, with stderr."""
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.make_environment() | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=COMMAND_MINUTES * 60,
            check=False,
        )
        return done.returncode, done.stdout

    @contextlib.contextmanager
    def run_in_background(self, command, ready):
        """Start a command; yield when it has printed `ready`, and terminate it at the end."""
        log = self.find_log(command)
        log.parent.mkdir(exist_ok=True)
        with log.open("wb") as output:
            running = subprocess.Popen(
                ["sh", "-c", f"exec {command}"],
                cwd=self.folder,
                env=self.make_environment(),
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            while ready not in log.read_text("utf-8", "replace"):
                assert running.poll() is None, log.read_text("utf-8", "replace")
                time.sleep(0.2)
            yield running
        finally:
            running.terminate()
            running.wait()

    def find_log(self, command):
        """Return the file with the output of a command in the background."""
        return self.folder / f"build/{command.replace(' ', '-').replace('/', '-')}.log"

    def make_environment(self):
        """Return the environment variables of all commands."""
        outer = {key: text for key, text in os.environ.items() if key not in HIDDEN_VARIABLES}
        return outer | self.variables

    def edit(self, name, old, new):
        """Replace a text in a file."""
        path = self.folder / name
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new), "utf-8")
