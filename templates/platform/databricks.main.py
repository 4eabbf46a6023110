"""The job for Databricks, which takes a file and no module, and keeps secrets."""

import os
import sys

from databricks.sdk.runtime import dbutils

from {{ cookiecutter.__package }} import job
from {{ cookiecutter.__package }}.expected import expected
from {{ cookiecutter.__package }}.runtime.cli import main

SCOPE = "{{ cookiecutter.project_slug }}"
"""The scope whose secrets are settings: each is named like a variable, STREAM__<TABLE>__<KEY>."""


def secrets() -> dict[str, str]:
    """Every secret of the scope; none where there is no such scope."""
    if SCOPE not in {scope.name for scope in dbutils.secrets.listScopes()}:
        return {}
    names = [secret.key for secret in dbutils.secrets.list(SCOPE)]
    return {name: dbutils.secrets.get(SCOPE, name) for name in names}


if __name__ == "__main__":
    os.environ |= secrets()
    # Databricks takes every exit for a failure, one with code 0 as well.
    if code := main(job, expected):
        sys.exit(code)
