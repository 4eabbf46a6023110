"""Access Log: a PySpark Structured Streaming job."""
