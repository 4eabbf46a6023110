"""The imports of each module: a project installs only the clients of its servers."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import stream_devkit

PACKAGE = Path(stream_devkit.__file__).parent
CLIENTS = {"kafka": "confluent_kafka", "postgres": "psycopg"}
TEMPLATES = ("jinja2", "markupsafe")
MODULES = sorted(
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
    for path in PACKAGE.rglob("*.py")
    if path.stem != "__init__"
)


def imported_without(packages, *modules):
    """Return the finished process that imports modules without some packages."""
    absent = "".join(f"sys.modules[{name!r}] = None\n" for name in packages)
    code = f"import sys\n{absent}" + "".join(f"import {name}\n" for name in modules)
    paths = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=paths, capture_output=True, text=True, check=False)


def test_other_modules_need_no_client():
    """Only the modules of the servers need the clients of the servers."""
    rest = [name for name in MODULES if name.rpartition(".")[2] not in CLIENTS]

    assert len(rest) == len(MODULES) - len(CLIENTS)
    assert imported_without(CLIENTS.values(), *rest).returncode == 0


@pytest.mark.parametrize("name", CLIENTS)
def test_a_server_needs_its_client(name):
    """The module of a server fails to import without its client."""
    assert imported_without(CLIENTS.values(), f"stream_devkit.servers.{name}").returncode == 1


def test_only_the_demo_needs_the_report():
    """All modules but those of the demo work without Jinja."""
    needing = ("stream_devkit.chaos", "stream_devkit.demo", "stream_devkit.report")
    rest = [name for name in MODULES if not name.startswith(needing)]

    assert "stream_devkit.file_run" in rest
    assert imported_without(TEMPLATES, *rest).returncode == 0


def test_the_set_up_needs_only_the_standard_library():
    """These modules run before the installation, with a Python that has no packages."""
    modules = ", ".join(f"stream_devkit.{name}" for name in ("install", "jars", "preflight"))
    command = [sys.executable, "-S", "-c", f"import {modules}"]
    environment = os.environ | {"PYTHONPATH": str(PACKAGE.parent)}

    assert subprocess.run(command, env=environment, check=False).returncode == 0


def test_a_demo_without_jinja_says_what_to_do():
    """The message names the package, the environment without it, and the list of packages."""
    said = imported_without(TEMPLATES, "stream_devkit.demo").stderr.splitlines()[-1]

    assert f"needs the package jinja2, and {sys.prefix} does not have it" in said
    assert said.endswith(
        "List it in `dev` in pyproject.toml, as the template does, and run make again."
    )
