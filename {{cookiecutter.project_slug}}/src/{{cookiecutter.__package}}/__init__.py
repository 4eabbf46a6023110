"""The PySpark Structured Streaming job {{ cookiecutter.project_slug }}."""

INTERFACE = 1
"""The interface of runtime/ that the modules of this package are written for."""
