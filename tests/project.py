"""A generated project, and a shell in it."""

import os
import subprocess

MINUTES = 20
HIDDEN = ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "MAKEFLAGS", "MAKELEVEL", "MFLAGS")


class Project:
    """A generated project, and a shell in it."""

    def __init__(self, folder, **variables):
        self.folder = folder
        self.variables = variables

    def run(self, *command, **variables):
        """Run a command; its exit code and all it printed."""
        environment = {key: to for key, to in os.environ.items() if key not in HIDDEN}
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=environment | self.variables | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=MINUTES * 60,
            check=False,
        )
        return done.returncode, done.stdout

    def edit(self, name, old, new):
        """Change a line of a file."""
        path = self.folder / name
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new), "utf-8")
