"""The PySpark Structured Streaming job clickstream-metrics."""

from stream_runtime import require_interface

require_interface(3, __file__)
