"""The event schema: the part of Spark's DDL that a JSON event can have, read without Spark."""

import re
from collections import Counter

from .problems import Violation, nearest_name

Column = tuple[str, str]

INTEGERS = ("TINYINT", "SMALLINT", "INT", "BIGINT")
FLAT = (
    *("STRING", "BOOLEAN", *INTEGERS, "FLOAT", "DOUBLE"),
    *("DATE", "TIMESTAMP", "TIMESTAMP_NTZ", "BINARY"),
)
NESTED = ("DECIMAL", "ARRAY", "MAP", "STRUCT")
ALIASES = {
    "BYTE": "TINYINT",
    "SHORT": "SMALLINT",
    "INTEGER": "INT",
    "LONG": "BIGINT",
    "REAL": "FLOAT",
    "DEC": "DECIMAL",
    "NUMERIC": "DECIMAL",
    "TIMESTAMP_LTZ": "TIMESTAMP",
}
# What people write from other systems, where no spelling is near enough to guess by.
FOREIGN = {
    "STRING": ("VARCHAR", "CHAR", "TEXT", "STR", "UUID"),
    "BOOLEAN": ("BOOL",),
    "INT": ("INT32",),
    "BIGINT": ("INT64",),
    "FLOAT": ("FLOAT32",),
    "DOUBLE": ("FLOAT64", "NUMBER"),
    "TIMESTAMP": ("DATETIME", "TIMESTAMPTZ"),
    "BINARY": ("BYTES",),
    "ARRAY": ("LIST",),
    "STRUCT": ("OBJECT",),
}
# Columns of the result and of the envelope around a record; a second one would be ambiguous.
RESERVED = (
    *("window", "session_window", "window_start", "window_end", "event_count"),
    *("reason", "raw", "raw_base64", "origin", "ingest_time", "headers", "_corrupt_record"),
)
MAX_NAME, MAX_DEPTH, MAX_DDL = 40, 8, 4000
MAX_DIGITS = 38
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_STRANGE = re.compile(r"[^A-Za-z0-9_ ,()<>:]")
_TOKEN = re.compile(r"\w+|[,()<>:]")


class SchemaError(ValueError):
    """Raised when the schema cannot be read; `typo` is a word and what it was meant to be."""

    def __init__(self, rule: str, text: str, typo: tuple[str, str] | None = None) -> None:
        """Keep the id of the broken rule beside the text."""
        super().__init__(text)
        self.rule = rule
        self.typo = typo


def columns(ddl: str) -> list[Column]:
    """Return `a STRING, b ARRAY<INT>` as [("a", "STRING"), ("b", "ARRAY<INT>")]."""
    found = [_column(text) for text in _split(ddl)]
    _refuse_doubles([name for name, _ in found])
    return found


def schema_violations(ddl: str) -> list[Violation]:
    """Return all that is wrong with the schema, one violation a column."""
    errors, found = [], []
    try:
        texts = _split(ddl)
    except SchemaError as error:
        return [_violation(ddl, error)]
    for text in texts:
        try:
            found.append(_column(text))
        except SchemaError as error:
            errors.append(error)
    try:
        _refuse_doubles([name for name, _ in found])
        if not errors:
            _refuse_timeless(found)
    except SchemaError as error:
        errors.append(error)
    return [_violation(ddl, error) for error in errors]


def _violation(ddl: str, error: SchemaError) -> Violation:
    corrected, fix = None, "Correct the schema."
    if error.typo:
        wrong, right = error.typo
        # Only where a type ends: a column may have the same name.
        corrected = re.sub(rf"\b{wrong}\b(\(\d+\))?(?=\s*([,<>]|$))", right, ddl)
        fix = f"Did you mean {right}?"
    return Violation(error.rule, "form", "event_schema", str(error), fix, "event_schema", corrected)


def _split(ddl: str) -> list[str]:
    """Return the texts between the commas that stand outside of brackets."""
    strange = _STRANGE.search(ddl)
    if strange or len(ddl) > MAX_DDL:
        what = repr(strange[0]) if strange else f"more than {MAX_DDL} characters"
        raise SchemaError(
            "schema-form", f"Letters, digits and _ , ( ) < > : may be in it, not {what}."
        )
    texts, opened = [""], ""
    for sign in ddl:
        if sign in "(<":
            opened += sign
        elif sign in ")>":
            if opened[-1:] + sign not in {"()", "<>"}:
                raise SchemaError("schema-form", f"A {sign!r} closes nothing.")
            opened = opened[:-1]
        if len(opened) > MAX_DEPTH:
            raise SchemaError("schema-form", f"Types are nested more than {MAX_DEPTH} deep.")
        if sign == "," and not opened:
            texts.append("")
        else:
            texts[-1] += sign
    if opened:
        raise SchemaError("schema-form", f"A {opened[-1]!r} is never closed.")
    return [text.strip() for text in texts]


def _column(text: str) -> Column:
    tokens = _TOKEN.findall(text)
    if not tokens:
        raise SchemaError("schema-form", "Between two commas, or at an end, a column is missing.")
    name = _name(tokens)
    if name.lower() in RESERVED:
        raise SchemaError("schema-reserved", f"The result has a column {name} of its own.")
    if tokens[:1] == [":"]:
        tokens.pop(0)
    kind = _type(tokens, name)
    if tokens:
        raise SchemaError("schema-extras", _extras(name, tokens))
    return name, kind


def _extras(name: str, tokens: list[str]) -> str:
    words = [token.upper() for token in tokens]
    if words[:2] == ["NOT", "NULL"]:
        return f"{name} cannot be NOT NULL: Spark enforces it nowhere in a stream."
    return f"After the type of {name}, {' '.join(tokens)} is not expected."


def _name(tokens: list[str]) -> str:
    name = tokens.pop(0)
    if not _NAME.fullmatch(name):
        raise SchemaError("schema-name", f"{name!r} is not a column name.")
    if len(name) > MAX_NAME:
        raise SchemaError("schema-name", f"{name} is longer than {MAX_NAME} characters.")
    return name


def _type(tokens: list[str], name: str) -> str:
    """Take the type off the head of the tokens, in Spark's spelling."""
    if not tokens:
        raise SchemaError("schema-type", f"{name} has no type.")
    word = tokens.pop(0)
    kind = ALIASES.get(word.upper(), word.upper())
    if kind in FLAT:
        return kind
    if kind not in NESTED:
        right = _meant(kind)
        typo = (word, right) if right and _NAME.fullmatch(word) else None
        raise SchemaError("schema-type", f"{name} has the unknown type {word}.", typo)
    if kind == "DECIMAL":
        return _decimal(tokens, name)
    _expect("<", tokens, name)
    inner = {"ARRAY": _element, "MAP": _entry, "STRUCT": _fields}[kind](tokens, name)
    _expect(">", tokens, name)
    return f"{kind}<{inner}>"


def _meant(kind: str) -> str | None:
    foreign = (right for right, others in FOREIGN.items() if kind in others)
    return next(foreign, None) or nearest_name(kind, (*FLAT, *NESTED, *ALIASES))


def _expect(sign: str, tokens: list[str], name: str) -> None:
    if tokens[:1] != [sign]:
        raise SchemaError("schema-type", f"In the type of {name}, {sign!r} is missing.")
    tokens.pop(0)


def _element(tokens: list[str], name: str) -> str:
    return _type(tokens, name)


def _entry(tokens: list[str], name: str) -> str:
    if _type(tokens, name) != "STRING":
        raise SchemaError(
            "schema-type", f"The keys of a MAP in JSON are STRING; {name} has others."
        )
    _expect(",", tokens, name)
    return f"STRING, {_type(tokens, name)}"


def _fields(tokens: list[str], name: str) -> str:
    found: list[Column] = []
    while not found or tokens[:1] == [","]:
        if found:
            tokens.pop(0)
        if not tokens:
            raise SchemaError("schema-type", f"The STRUCT of {name} has no fields.")
        field = _name(tokens)
        if tokens[:1] == [":"]:
            tokens.pop(0)
        found.append((field, _type(tokens, f"{name}.{field}")))
    _refuse_doubles([field for field, _ in found])
    return ", ".join(f"{field}: {kind}" for field, kind in found)


def _decimal(tokens: list[str], name: str) -> str:
    if tokens[:1] != ["("]:
        return "DECIMAL(10,0)"
    inside, _, _ = " ".join(tokens).partition(")")
    match = re.fullmatch(r"\( (\d{1,2})(?: , (\d{1,2}))? ", inside)
    digits, scale = (int(match[1]), int(match[2] or 0)) if match else (0, 0)
    if not scale <= digits <= MAX_DIGITS or digits < 1:
        raise SchemaError(
            "schema-type", f"{name}: write DECIMAL(precision,scale), at most {MAX_DIGITS}."
        )
    del tokens[: tokens.index(")") + 1]
    return f"DECIMAL({digits},{scale})"


def _refuse_doubles(names: list[str]) -> None:
    counted = Counter(name.lower() for name in names)
    doubled = [name for name in names if counted[name.lower()] > 1]
    if doubled:
        both = " and ".join(doubled[:2])
        raise SchemaError("schema-double", f"Spark cannot tell the columns {both} apart.")


def _refuse_timeless(found: list[Column]) -> None:
    kinds = [kind for _, kind in found]
    if "TIMESTAMP" in kinds:
        return
    reason = "No column is a TIMESTAMP, so there is no event time to go by."
    if "TIMESTAMP_NTZ" in kinds:
        reason = "A TIMESTAMP_NTZ is no moment in time: it means another one in each time zone."
    raise SchemaError("schema-no-time", reason)
