"""The commands of a README, and somebody new who types them."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.examples import ROOT
from tests.project import Project

HOME = "gh:org/stream-template"
PROGRAMS = r"cd|cookiecutter|cruft|deploy|export|git|make|pipx|uvx|\.venv"
LINE = re.compile(rf"^(?: {{4,}}(?:\$ )?)?((?:{PROGRAMS})\b.*)$", re.MULTILINE)


def commands(text):
    """The lines of its blocks of code that are commands, without comments, in their order."""
    indented = re.findall(r"^ {4}.*$", text, re.MULTILINE)
    fenced = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    found = LINE.findall("\n".join([*indented, *fenced]))
    return [re.split(r"\s{2,}#|\s+# ", line)[0].strip() for line in found]


def clone(folder):
    """Copy what git would clone into the folder, with what is not committed yet."""
    listed = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


def newcomer(folder, home):
    """A shell in the folder with an empty home.

    Only pip's cache is that of the caller, so that PySpark is not downloaded for each test. (Java
    takes its home from the system and not from HOME, so Ivy's cache is the caller's as well.)
    """
    home.mkdir(exist_ok=True)
    ask = (sys.executable, "-m", "pip", "cache", "dir")
    cache = subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip()
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return Project(folder, HOME=str(home), PIP_CACHE_DIR=cache, PATH=path)
