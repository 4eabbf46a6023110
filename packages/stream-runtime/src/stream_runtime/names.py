"""Names of columns: a producer's, which can be any text, and the job's internal ones."""

OWN = "__stream_"
"""The prefix of the job's internal columns; no producer uses it."""


def quote(name: str) -> str:
    """Return the name for an expression of Spark, where an unquoted dot selects a field."""
    return "`" + name.replace("`", "``") + "`"
