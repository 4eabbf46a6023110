"""What JSON may have for each type of a column: the rules of stream_runtime/values.py in words."""

import re
from collections.abc import Iterable

WHOLE = "a whole number within the type, without quotes and without a decimal point"
FLOATING = "a number without quotes; it becomes the nearest value of the type"
TIME_TYPES = {"TIMESTAMP", "TIMESTAMP_NTZ", "DATE"}
VALUE_FORMS = {
    "TIMESTAMP": (
        "ISO 8601 text with date and time, such as `2026-01-31T08:15:00Z`; without a zone it is "
        "UTC; digits after microseconds are cut off. Or a whole number of seconds since 1970: 0, "
        "or one of 9 to 11 digits, because a shorter one can be a date and a longer one has "
        "another unit. `events.epoch_unit` names another unit, `events.time_format` another form "
        "of text."
    ),
    "TIMESTAMP_NTZ": "ISO 8601 text with date and time, without a zone",
    "DATE": "text such as `2026-01-31`",
    "DECIMAL": (
        "a number, also in quotes, whose digits all fit the type: 12.345 does not fit "
        "DECIMAL(10,2), and `12,50` is no number. One with an exponent counts as a DOUBLE"
    ),
    "TINYINT": WHOLE,
    "SMALLINT": WHOLE,
    "INT": WHOLE,
    "BIGINT": WHOLE,
    "FLOAT": FLOATING,
    "DOUBLE": FLOATING,
    "BOOLEAN": "`true` or `false`, without quotes",
    "BINARY": "text in base64",
    "STRING": "text; of another value its JSON, as Spark writes it: 1.50 becomes `1.5`",
}


def names_of_types(kinds: Iterable[str]) -> set[str]:
    """Return the names of all types in these types, without names in back quotes."""
    return {word for kind in kinds for word in re.findall(r"[A-Z_]+", re.sub(r"`.*?`", "", kind))}


def value_forms(kinds: Iterable[str]) -> dict[str, str]:
    """Return the forms of the types that occur in these types, types of equal form together."""
    named = names_of_types(kinds)
    found: dict[str, list[str]] = {}
    for kind, form in VALUE_FORMS.items():
        if kind in named:
            found.setdefault(form, []).append(kind)
    return {", ".join(types): form for form, types in found.items()}
