"""The report of the demo: one HTML file with charts."""

import sys
from importlib.util import find_spec

if not find_spec("jinja2"):
    raise ModuleNotFoundError(
        f"The report of the demo needs the package jinja2, and {sys.prefix} does not have it. "
        "List it in `dev` in pyproject.toml, as the template does, and run make again."
    )
