"""The runtime imports nothing of the devkit, which no wheel of a job contains."""

import subprocess
import sys

IMPORT_ALL = """
import importlib, pkgutil, sys
import stream_runtime

for module in pkgutil.walk_packages(stream_runtime.__path__, "stream_runtime."):
    importlib.import_module(module.name)
print(*(name for name in sys.modules if name.partition(".")[0] == sys.argv[1]))
"""


def _list_imported(package):
    """Return the modules of a package that are imported with all modules of the runtime."""
    command = [sys.executable, "-c", IMPORT_ALL, package]
    environment = {"PYTHONPATH": ":".join(path for path in sys.path if path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_no_module_imports_the_devkit():
    """A job works in an environment without the devkit."""
    assert _list_imported("stream_devkit") == []


def test_an_import_is_listed():
    """The list of imported modules has the modules of a package that is imported."""
    assert "stream_runtime.cli" in _list_imported("stream_runtime")
