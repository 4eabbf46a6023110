"""The entry point for Databricks, which runs a file, not a module, and stores secrets."""

import argparse
import os
import sys

from databricks.sdk.runtime import dbutils
from stream_runtime.cli import main

from {{ cookiecutter.__package }}.job import JOB

SCOPES = "{{ cookiecutter.project_slug }}-"
"""Begins the name of a scope of secrets; the environment, such as prod, ends it."""


def secrets(environment: str) -> dict[str, str]:
    """Return the secrets of an environment; nothing if its scope does not exist.

    Each is named like a variable, STREAM__<TABLE>__<KEY>.
    """
    scope = SCOPES + environment
    if scope not in {found.name for found in dbutils.secrets.listScopes()}:
        return {}
    names = [secret.key for secret in dbutils.secrets.list(scope)]
    return {name: dbutils.secrets.get(scope, name) for name in names}


if __name__ == "__main__":
    # deploy/databricks.yml names the environment in the parameters.
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--env", default="dev")
    os.environ |= secrets(parser.parse_known_args()[0].env)
    # Databricks treats every exit as a failure, even one with code 0.
    if code := main(JOB):
        sys.exit(code)
