"""A project installs the client of a server only if its job uses the server."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import stream_devkit

PACKAGE = Path(stream_devkit.__file__).parent
CLIENTS = {"kafka": "confluent_kafka", "postgres": "psycopg"}
MODULES = sorted(
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
    for path in PACKAGE.rglob("*.py")
    if path.stem != "__init__"
)


def imported_without_clients(*modules):
    """The exit code of a Python that imports modules where no client is installed."""
    absent = "".join(f"sys.modules[{name!r}] = None\n" for name in CLIENTS.values())
    code = f"import sys\n{absent}" + "".join(f"import {name}\n" for name in modules)
    paths = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=paths, capture_output=True, check=False).returncode


def test_the_rest_needs_no_client():
    """Every module but those of the servers themselves is imported without their clients."""
    rest = [name for name in MODULES if name.rpartition(".")[2] not in CLIENTS]

    assert len(rest) == len(MODULES) - len(CLIENTS)
    assert imported_without_clients(*rest) == 0


@pytest.mark.parametrize("name", CLIENTS)
def test_a_server_needs_its_client(name):
    """The test above can fail."""
    assert imported_without_clients(f"stream_devkit.servers.{name}") == 1
