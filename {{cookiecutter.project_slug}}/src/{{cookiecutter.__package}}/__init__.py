"""The PySpark Structured Streaming job {{ cookiecutter.project_slug }}."""

from stream_runtime import require_interface

require_interface(3, __file__)
