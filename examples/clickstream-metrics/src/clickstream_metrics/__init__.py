"""The PySpark Structured Streaming job clickstream-metrics."""
