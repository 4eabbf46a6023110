"""Clickstream Metrics: a PySpark Structured Streaming job."""

INTERFACE = 1
"""The interface of runtime/ that the modules of this package are written for."""
