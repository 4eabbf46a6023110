"""The command line: `python -m clickstream_metrics --help`."""

import sys

from stream_runtime.cli import main

from .job import JOB

if __name__ == "__main__":
    sys.exit(main(JOB))
