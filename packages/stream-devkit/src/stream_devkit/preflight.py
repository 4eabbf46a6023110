"""Check what this machine has to bring: `preflight.py [python] [java]`, both by default.

This file must *run* on Pythons that are too old for the project: nothing newer than 3.6 in it.
"""

import importlib.util
import re
import runpy
import sys
from importlib.machinery import PathFinder
from pathlib import Path

NEEDED_PYTHON = (3, 11)
ENVIRONMENT_PROBLEM = 5


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
    """Why this machine's Java cannot run the project's Spark, '' if it can."""
    return _job_says("java_problem", _spark_version())


def java_command() -> str:
    """The `java` that Spark will start, '' for none."""
    return _job_says("java_command")


def _spark_version() -> str:
    """The version of PySpark that pyproject.toml pins, '' for none."""
    project = Path("pyproject.toml")
    text = project.read_text("utf-8") if project.exists() else ""
    found = re.search(r"\bpyspark==([0-9.]+)", text)
    return found.group(1) if found else ""


def _job_says(function: str, *arguments: str) -> str:
    """Ask the job's own module, which cannot be imported before anything is installed."""
    library = Path(__file__).resolve().parent.parent
    runtime = PathFinder.find_spec("stream_runtime", [*sys.path, str(library)])
    if runtime is None or runtime.origin is None:
        # It comes from an index, and is not installed yet: the job itself asks at its start.
        return ""
    module = runpy.run_path(str(Path(runtime.origin).with_name("java.py")))
    answer: str = module[function](*arguments)
    return answer


def main() -> int:
    """Say each problem in one line; the exit code is 5 if there is one."""
    checks = {"python": python_problem, "java": java_problem}
    problems = [checks[name]() for name in sys.argv[1:] or checks]
    for problem in filter(None, problems):
        sys.stderr.write(f"preflight: {problem}\n")
    return ENVIRONMENT_PROBLEM if any(problems) else 0


if __name__ == "__main__":
    sys.exit(main())
