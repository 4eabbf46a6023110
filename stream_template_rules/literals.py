"""Literals for generated files."""

import json
import unicodedata


def toml_literal(text: str) -> str:
    """Return the text as a basic string of TOML, which JSON and Python read too, except for 🙂."""
    return "".join(
        sign if sign.isprintable() else _escaped(sign)
        for sign in json.dumps(text, ensure_ascii=False)
    )


def width(text: str) -> int:
    """Return the width that a formatter counts for the text: wide letters count twice."""
    return sum(
        (not unicodedata.combining(sign)) + (unicodedata.east_asian_width(sign) in {"F", "W"})
        for sign in text
    )


def _escaped(sign: str) -> str:
    code = ord(sign)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004 - a short one


def python_literal(text: str) -> str:
    """Return the text as a Python literal with the quotes of ruff format."""
    literal = toml_literal(text)
    if text.count('"') <= text.count("'"):
        return literal
    inside = literal[1:-1].replace('\\"', '"').replace("'", "\\'")
    return f"'{inside}'"
