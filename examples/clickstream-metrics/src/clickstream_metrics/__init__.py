"""Clickstream Metrics: a PySpark Structured Streaming job."""
