"""The PySpark Structured Streaming job clickstream-metrics."""

INTERFACE = 1
"""The interface of runtime/ that the modules of this package are written for."""
