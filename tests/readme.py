"""The commands of a README, and an environment in which a new user types them."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.examples import ROOT
from tests.project import Project

TEMPLATE_URL = "gh:org/stream-template"
PROGRAMS = r"cd|cookiecutter|cruft|deploy|export|git|make|pipx|uvx|\.venv"
LINE = re.compile(rf"^(?: {{4,}}(?:\$ )?)?((?:{PROGRAMS})\b.*)$", re.MULTILINE)


def find_commands(text):
    """Return the commands in the code blocks of a text, in their order and without comments."""
    indented = re.findall(r"^ {4}.*$", text, re.MULTILINE)
    fenced = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    found = LINE.findall("\n".join([*indented, *fenced]))
    return [re.split(r"\s{2,}#|\s+# ", line)[0].strip() for line in found]


def clone(folder):
    """Copy the files that git tracks, and new files that it does not ignore, into the folder."""
    listed = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


def open_shell(folder, home):
    """Return a Project that runs commands in the folder, with an empty home.

    It shares the caller's pip cache, so that not each test downloads PySpark.
    """
    home.mkdir(exist_ok=True)
    command = (sys.executable, "-m", "pip", "cache", "dir")
    cache = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return Project(folder, HOME=str(home), PIP_CACHE_DIR=cache, PATH=path)
