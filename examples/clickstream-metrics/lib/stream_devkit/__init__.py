"""What tests and demo of a streaming job share; no job in production imports it."""

__version__ = "0.1.0"
