"""Names of columns: a producer's, which can be any text, and the job's internal ones."""

OWN = "__stream_"
"""The prefix of the job's internal columns; no producer uses it."""
Key = str | tuple[str, ...] | None
"""The column to group by, or several."""


def columns_of(key: Key) -> tuple[str, ...]:
    """Return the columns of a key; without a key there are none."""
    return (key,) if isinstance(key, str) else key or ()


def quote(name: str) -> str:
    """Return the name for an expression of Spark, where an unquoted dot selects a field."""
    return "`" + name.replace("`", "``") + "`"
