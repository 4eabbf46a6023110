"""The PySpark Structured Streaming job {{ cookiecutter.project_slug }}."""

INTERFACE = 1
"""The number of the runtime's interface for which this package is written."""
