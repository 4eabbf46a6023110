"""The entry point for Databricks, which runs a file, not a module, and stores secrets."""

import os
import sys

from databricks.sdk.runtime import dbutils
from stream_runtime.cli import main

from {{ cookiecutter.__package }}.job import JOB

SCOPE = "{{ cookiecutter.project_slug }}"
"""The scope of the secret settings; each is named like a variable, STREAM__<TABLE>__<KEY>."""


def secrets() -> dict[str, str]:
    """Return every secret of the scope; empty if the scope does not exist."""
    if SCOPE not in {scope.name for scope in dbutils.secrets.listScopes()}:
        return {}
    names = [secret.key for secret in dbutils.secrets.list(SCOPE)]
    return {name: dbutils.secrets.get(SCOPE, name) for name in names}


if __name__ == "__main__":
    os.environ |= secrets()
    # Databricks treats every exit as a failure, even one with code 0.
    if code := main(JOB):
        sys.exit(code)
