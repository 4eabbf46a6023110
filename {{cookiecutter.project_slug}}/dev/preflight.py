"""Check what this machine has to bring: `preflight.py [python] [java]`, both by default.

This file must *run* on Pythons that are too old for the project: nothing newer than 3.6 in it.
"""

import importlib.util
import os
import re
import shutil
import subprocess
import sys

NEEDED_PYTHON = (3, 11)
NEEDED_JAVA = 17
INSTALL_JAVA = (
    "Install it (Debian, Ubuntu: apt install openjdk-17-jre-headless; Fedora: dnf install "
    "java-17-openjdk-headless; macOS: brew install openjdk@17) or point JAVA_HOME at one."
)
ENVIRONMENT_PROBLEM = 5


def java_command() -> str:
    """The `java` that Spark will start: JAVA_HOME's, else the first on PATH ('' for none)."""
    home = os.environ.get("JAVA_HOME", "")
    return f"{home}/bin/java" if home else shutil.which("java") or ""


def python_problem() -> str:
    """Why this Python cannot carry the project, '' if it can."""
    found = f"{sys.executable} (Python {sys.version_info[0]}.{sys.version_info[1]})"
    if sys.version_info[:2] < NEEDED_PYTHON:
        return (
            f"Python 3.11 or newer is needed, and this is {found}. "
            "Install a newer one and name it: make PYTHON=python3.11 ..."
        )
    if not all(importlib.util.find_spec(name) for name in ("venv", "ensurepip")):
        return (
            f"{found} cannot make virtual environments. "
            "Install its venv module (Debian, Ubuntu: apt install python3-venv)."
        )
    return ""


def java_problem() -> str:
    """Why this machine's Java cannot run Spark, '' if it can."""
    needed = f"Java {NEEDED_JAVA} or newer is needed"
    java = java_command()
    if not java:
        return f"{needed}, and there is no java on PATH. {INSTALL_JAVA}"
    home = os.environ.get("JAVA_HOME")
    where = f"JAVA_HOME={home}" if home else java
    version = java_version(java)
    if not version:
        return f"{needed}, and {where} is no working Java. {INSTALL_JAVA}"
    if version < NEEDED_JAVA:
        return f"{needed}, and {where} is Java {version}. {INSTALL_JAVA}"
    return ""


def java_version(java: str) -> int:
    """The feature release that a `java` reports, such as 17; 0 if it does not run."""
    try:
        # macOS has a /usr/bin/java that only says there is none: hence the look at the exit code.
        run = subprocess.Popen([java, "-version"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except OSError:
        return 0
    output = run.communicate()[0].decode("utf-8", "replace")
    found = re.search(r'version "(?:1\.)?(\d+)', output)
    return int(found.group(1)) if found and run.returncode == 0 else 0


def main() -> int:
    """Say each problem in one line; the exit code is 5 if there is one."""
    checks = {"python": python_problem, "java": java_problem}
    problems = [checks[name]() for name in sys.argv[1:] or checks]
    for problem in filter(None, problems):
        sys.stderr.write(f"preflight: {problem}\n")
    return ENVIRONMENT_PROBLEM if any(problems) else 0


if __name__ == "__main__":
    sys.exit(main())
