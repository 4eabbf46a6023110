"""The Java that runs Spark, and the check of its version.

`preflight.py` of stream_devkit runs this file before the installation, on any Python: it uses
only the standard library and the syntax of Python 3.6.
"""

import os
import re
import shutil
import subprocess

NEEDED_JAVA = 17
# From Java 23 on, Subject.getSubject fails, which the Hadoop of these versions of Spark calls.
NEWEST_JAVA = {"4.0": 22, "4.1": 22}
INSTALL_JAVA = (
    "Install Java 17 (Debian, Ubuntu: apt install openjdk-17-jre-headless; Fedora: dnf install "
    "java-17-openjdk-headless; macOS: brew install openjdk@17) or point JAVA_HOME at one."
)


def java_command() -> str:
    """Return the `java` that Spark starts: from JAVA_HOME, else from PATH; '' if none."""
    home = os.environ.get("JAVA_HOME", "")
    return f"{home}/bin/java" if home else shutil.which("java") or ""


def java_problem(spark: str = "") -> str:
    """Return why the Java of this machine cannot run Spark; '' if it can.

    Args:
        spark: the version of Spark, such as 4.1.3; '' if it is not known.
    """
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
    minor = ".".join(spark.split(".")[:2])
    newest = NEWEST_JAVA.get(minor, version)
    if version > newest:
        return (
            f"Spark {minor} needs Java {NEEDED_JAVA} to {newest}, and {where} is Java {version}. "
            f"{INSTALL_JAVA}"
        )
    return ""


def java_version(java: str) -> int:
    """Return the feature release that `java` reports, such as 17; 0 if it does not run."""
    try:
        # macOS has a /usr/bin/java that only reports a missing Java: check the exit code.
        run = subprocess.Popen([java, "-version"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except OSError:
        return 0
    output = run.communicate()[0].decode("utf-8", "replace")
    found = re.search(r'version "(?:1\.)?(\d+)', output)
    return int(found.group(1)) if found and run.returncode == 0 else 0
