"""The command line: `python -m {{ cookiecutter.__package }} --help`."""

import sys

from stream_runtime.cli import main

from .job import JOB

if __name__ == "__main__":
    sys.exit(main(JOB))
