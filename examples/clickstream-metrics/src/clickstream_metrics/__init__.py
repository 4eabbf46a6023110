"""The PySpark Structured Streaming job clickstream-metrics."""

INTERFACE = 1
"""The number of the runtime's interface for which this package is written."""
