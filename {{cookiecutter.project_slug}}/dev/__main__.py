{% set job = cookiecutter | stream_plan %}
"""The tools for work by hand: `python -m dev servers`, `produce`, `show` and others."""

import sys

from stream_devkit import tools

from dev.demo import DEMO
from dev.producer import place as source_place
{% if job.result_place %}
from dev.target import place as target_place
{% endif %}

if __name__ == "__main__":
    sys.exit(tools.main(tools.Tools(DEMO, source_place, {{ "target_place" if job.result_place else "None" }})))
