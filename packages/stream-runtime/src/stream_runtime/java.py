"""Which Java runs Spark, and whether it can.

`preflight.py` of stream_devkit runs this file before anything is installed, on any Python: nothing
newer than Python 3.6 in it, and nothing but the standard library.
"""

import os
import re
import shutil
import subprocess

NEEDED_JAVA = 17
INSTALL_JAVA = (
    "Install it (Debian, Ubuntu: apt install openjdk-17-jre-headless; Fedora: dnf install "
    "java-17-openjdk-headless; macOS: brew install openjdk@17) or point JAVA_HOME at one."
)


def java_command() -> str:
    """The `java` that Spark will start: JAVA_HOME's, else the first on PATH ('' for none)."""
    home = os.environ.get("JAVA_HOME", "")
    return f"{home}/bin/java" if home else shutil.which("java") or ""


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
        # macOS has a /usr/bin/java that only says there is none, so the exit code is checked.
        run = subprocess.Popen([java, "-version"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except OSError:
        return 0
    output = run.communicate()[0].decode("utf-8", "replace")
    found = re.search(r'version "(?:1\.)?(\d+)', output)
    return int(found.group(1)) if found and run.returncode == 0 else 0
