"""Names of columns: a producer's, which are any text, and those that are only the job's own."""

OWN = "__stream_"
"""Columns that stand beside those of an event for a while begin with it: no producer uses it."""


def quote(name: str) -> str:
    """The name as Spark reads it in an expression, where a dot would ask for a field."""
    return "`" + name.replace("`", "``") + "`"
