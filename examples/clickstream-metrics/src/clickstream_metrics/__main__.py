"""The command line: `python -m clickstream_metrics --help`."""

import sys

from . import job
from .expected import expected
from .runtime.cli import main

if __name__ == "__main__":
    sys.exit(main(job, expected))
