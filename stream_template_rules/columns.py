"""The event schema: a parser of the part of Spark's DDL that JSON events can have."""

import difflib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator

from .ddl import Edit, FormError, Token, column_tokens, edited, plain_ddl, quoted, unquoted
from .problems import Violation

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
# Types of more than one word, by the words that can follow the first one.
LONGER: dict[str, dict[tuple[str, ...], str]] = {
    "DOUBLE": {("PRECISION",): "DOUBLE"},
    "TIMESTAMP": {
        ("WITH", "LOCAL", "TIME", "ZONE"): "TIMESTAMP",
        ("WITHOUT", "TIME", "ZONE"): "TIMESTAMP_NTZ",
    },
}
# Spark refuses these in the schema of from_json; no length is checked there.
TEXTS = ("VARCHAR", "CHAR", "CHARACTER")
# Type names of other systems that have exactly one meaning.
FOREIGN = {
    "STRING": ("TEXT", "STR", "UUID"),
    "BOOLEAN": ("BOOL",),
    "INT": ("INT32",),
    "BIGINT": ("INT64",),
    "FLOAT": ("FLOAT32",),
    "DOUBLE": ("FLOAT64",),
    "TIMESTAMP": ("DATETIME", "TIMESTAMPTZ"),
    "BINARY": ("BYTES",),
    "ARRAY": ("LIST",),
    "STRUCT": ("OBJECT",),
}
# Types that Spark has, but that not every source, sink and test supports.
UNCARRIED = {
    "VARIANT": "STRING keeps the text of a nested object; parse_json converts it to VARIANT.",
    "TIME": "STRING keeps it as it was sent.",
    "INTERVAL": "STRING keeps it as it was sent.",
    "GEOMETRY": "STRING keeps its text; Spark does not read it from JSON.",
    "GEOGRAPHY": "STRING keeps its text; Spark does not read it from JSON.",
    "VOID": "It has no value but null; STRING accepts any later value.",
}
# Words and characters that end a type.
AFTER_TYPE = (",", ">", "NOT", "NULL", "COMMENT", "DEFAULT", "GENERATED")
INTERVAL_WORDS = ("YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND", "TO")
# Unicode categories: control characters, lone surrogates, line and paragraph separators.
UNWRITABLE = ("Cc", "Cs", "Zl", "Zp")
MAX_NAME = 255
# The prefix of the job's internal columns: OWN of stream_runtime/names.py.
OWN = "__stream_"
MAX_DIGITS = 38
# The similarity that a misspelt type needs: INTT is INT, but VARIANT is not.
NEAR = 0.8


def columns(ddl: str) -> list[Column]:
    """Return `a STRING, b ARRAY<INT>` as [("a", "STRING"), ("b", "ARRAY<INT>")].

    A name is the producer's, without back quotes. A type has the spelling of Spark's DDL.
    """
    found = [_column(tokens) for tokens in column_tokens(plain_ddl(ddl))]
    _refuse_doubles([name for name, _ in found])
    return found


def fields(found: Iterable[Column]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield path and type of each field of a STRUCT, however deep; none in an ARRAY or a MAP."""
    for name, kind in found:
        if kind.startswith("STRUCT<"):
            inner = list(_fields_of(kind))
            yield from (((name, field), of) for field, of in inner)
            yield from (((name, *path), of) for path, of in fields(inner))


def _fields_of(kind: str) -> Iterator[Column]:
    """Yield the fields of a STRUCT, in Spark's spelling."""
    (tokens,) = column_tokens(f"a {kind}")
    reader = _Reader(tokens[3:])
    while reader.rest:
        name = _name(reader)
        reader.take_words(":")
        yield name, _type(reader, name)
        reader.take()


def schema_violations(ddl: str) -> list[Violation]:
    """Return all violations of the schema, one per column."""
    ddl = plain_ddl(ddl)
    errors, found = [], []
    try:
        groups = column_tokens(ddl)
    except FormError as error:
        return _violations(ddl, [error])
    for tokens in groups:
        try:
            found.append(_column(tokens))
        except FormError as error:
            errors.append(error)
    try:
        _refuse_doubles([name for name, _ in found])
        if not errors:
            _refuse_timeless(found)
    except FormError as error:
        errors.append(error)
    return _violations(ddl, errors)


def _violations(ddl: str, errors: list[FormError]) -> list[Violation]:
    """Return the violations, each with the schema after all possible corrections."""
    edits = [error.edit for error in errors if error.edit]
    corrected = edited(ddl, edits) if edits else None
    return [
        Violation(
            error.rule,
            "form",
            "event_schema",
            str(error),
            _fix(error.edit),
            "event_schema",
            corrected if error.edit else None,
        )
        for error in errors
    ]


def _fix(edit: Edit | None) -> str:
    if edit is None:
        return "Correct the schema."
    return f"Write {edit.text} there." if edit.text else "Remove it."


class _Reader:
    """The tokens of one column, taken from left to right."""

    def __init__(self, tokens: list[Token]) -> None:
        self.rest = list(tokens)
        self.taken: list[Token] = []

    def take(self) -> Token:
        self.taken.append(self.rest.pop(0))
        return self.taken[-1]

    def take_words(self, *words: str) -> bool:
        """Take these words, if they are next."""
        if tuple(token.word for token in self.rest[: len(words)]) != words:
            return False
        for _ in words:
            self.take()
        return True

    def edit_since(self, first: Token, text: str) -> Edit:
        """Return the edit that replaces what was taken from this token on."""
        return Edit(first.start, self.taken[-1].end, text)


def _column(tokens: list[Token]) -> Column:
    if not tokens:
        raise FormError(
            "schema-form", "A column is missing: there is none, or none between two commas."
        )
    reader = _Reader(tokens)
    name = _name(reader)
    if name.lower().startswith(OWN):
        reason = f"{name} begins with {OWN}, the prefix of the job's internal columns."
        raise FormError("schema-name", reason)
    reader.take_words(":")
    kind = _type(reader, name)
    _pass_options(reader, name)
    if reader.rest:
        raise FormError("schema-extras", _unexpected(reader, name))
    return name, kind


def _unexpected(reader: _Reader, name: str) -> str:
    rest = " ".join(token.text for token in reader.rest)
    return f"After the type of {name}, {rest} is not expected."


def _pass_options(reader: _Reader, name: str) -> None:
    """Skip options without meaning for an event; a stream does not enforce NOT NULL."""
    while reader.rest:
        first = reader.rest[0]
        if reader.take_words("COMMENT"):
            if not reader.rest or reader.rest[0].text[0] not in "'\"":
                raise FormError("schema-extras", f"The COMMENT of {name} has no text in quotes.")
            reader.take()
        elif first.word in {"DEFAULT", "GENERATED"}:
            _refuse_computed(reader, name, first)
        elif not (reader.take_words("NOT", "NULL") or reader.take_words("NULL")):
            return


def _refuse_computed(reader: _Reader, name: str, first: Token) -> None:
    kind = reader.taken[-1]
    while reader.rest and reader.rest[0].word not in AFTER_TYPE[:2]:
        reader.take()
    if first.word == "DEFAULT":
        reason = (
            f"A table fills in the DEFAULT of {name}, a stream does not: use F.coalesce in the job."
        )
        edit = Edit(kind.end, reader.taken[-1].end, "")
        raise FormError("schema-extras", reason, edit)
    raise FormError(
        "schema-extras",
        f"A table computes {name}, so events do not contain it: remove the column, "
        "or remove GENERATED if they do.",
    )


def _name(reader: _Reader) -> str:
    token = reader.take()
    name = unquoted(token.text)
    if not name or (not token.text.startswith("`") and token.text[0] in ",()<>:;'\""):
        raise FormError("schema-name", f"{token.text!r} is not a column name.")
    if len(name) > MAX_NAME:
        reason = f"{name[:20]}... is longer than {MAX_NAME} characters."
        raise FormError("schema-name", reason)
    strange = next((sign for sign in name if unicodedata.category(sign) in UNWRITABLE), None)
    if strange:
        reason = f"{name!r} contains the control character {strange!r}, which is invisible in code."
        raise FormError("schema-name", reason)
    return name


def _type(reader: _Reader, name: str) -> str:
    """Take the type from the tokens, in Spark's spelling."""
    if not reader.rest:
        raise FormError(
            "schema-type",
            f"{name} has no type. Write it after the name, such as `{name} STRING`; for a file: "
            '"event_schema=$(cat FILE)".',
        )
    first = reader.take()
    kind = ALIASES.get(first.word, first.word)
    if kind in TEXTS:
        _arguments(reader)
        return "STRING"
    for words, longer in LONGER.get(kind, {}).items():
        if reader.take_words(*words):
            return longer
    if kind in FLAT:
        _refuse_collation(reader, name)
        return kind
    if kind not in NESTED:
        raise _unknown(reader, name, first)
    if kind == "DECIMAL":
        return _decimal(reader, name)
    _expect("<", reader, name)
    inside = {"ARRAY": _type, "MAP": _entry, "STRUCT": _fields}
    inner = inside[kind](reader, name)
    _expect(">", reader, name)
    return f"{kind}<{inner}>"


def _arguments(reader: _Reader) -> list[str]:
    """Take `(20)` from the tokens, if it is next."""
    if not reader.take_words("("):
        return []
    found = []
    while reader.rest and not reader.take_words(")"):
        found.append(reader.take().text)
    return found


def _refuse_collation(reader: _Reader, name: str) -> None:
    if not reader.rest or reader.rest[0].word != "COLLATE":
        return
    kind = reader.taken[-1]
    while reader.rest and reader.rest[0].word not in AFTER_TYPE:
        reader.take()
    raise FormError(
        "schema-type",
        f"{name} has a collation, but sinks and tests of a project compare texts as bytes.",
        reader.edit_since(kind, "STRING"),
    )


def _unknown(reader: _Reader, name: str, first: Token) -> FormError:
    """Return why the type is refused, and which type keeps its values."""
    why = UNCARRIED.get(first.word)
    if first.word == "INTERVAL":
        while reader.rest and reader.rest[0].word in INTERVAL_WORDS:
            reader.take()
    _arguments(reader)
    if first.word == "TIME":
        reader.take_words("WITHOUT", "TIME", "ZONE")
    if why:
        reason = f"{name} is {first.word}, which not all sources, sinks and tests support. {why}"
        return FormError("schema-type", reason, reader.edit_since(first, "STRING"))
    right = _meant(first.word)
    edit = reader.edit_since(first, right) if right else None
    return FormError("schema-type", f"{name} has the unknown type {first.text}.", edit)


def _meant(kind: str) -> str | None:
    foreign = (right for right, others in FOREIGN.items() if kind in others)
    near = difflib.get_close_matches(kind, (*FLAT, *NESTED, *ALIASES), 1, NEAR)
    return next(foreign, None) or next(iter(near), None)


def _expect(sign: str, reader: _Reader, name: str) -> None:
    if not reader.take_words(sign):
        raise FormError("schema-type", f"In the type of {name}, {sign!r} is missing.")


def _entry(reader: _Reader, name: str) -> str:
    first = reader.rest[0] if reader.rest else None
    if _type(reader, name) != "STRING" and first:
        reason = f"The keys of a MAP in JSON are STRING; {name} has another key type."
        raise FormError("schema-type", reason, reader.edit_since(first, "STRING"))
    _expect(",", reader, name)
    return f"STRING, {_type(reader, name)}"


def _fields(reader: _Reader, name: str) -> str:
    found: list[Column] = []
    while not found or reader.take_words(","):
        if not reader.rest or reader.rest[0].text == ">":
            raise FormError(
                "schema-type", f"The STRUCT of {name} has no fields, or a field is missing."
            )
        field = _name(reader)
        reader.take_words(":")
        found.append((field, _type(reader, f"{name}.{field}")))
        _pass_options(reader, f"{name}.{field}")
    _refuse_doubles([field for field, _ in found])
    return ", ".join(f"{quoted(field)}: {kind}" for field, kind in found)


def _decimal(reader: _Reader, name: str) -> str:
    match = re.fullmatch(r"(\d{1,2})(?:,(\d{1,2}))?", "".join(_arguments(reader)) or "10", re.ASCII)
    digits, scale = (int(match[1]), int(match[2] or 0)) if match else (0, 0)
    if not scale <= digits <= MAX_DIGITS or digits < 1:
        raise FormError(
            "schema-type", f"{name}: write DECIMAL(precision,scale), at most {MAX_DIGITS}."
        )
    return f"DECIMAL({digits},{scale})"


def _refuse_doubles(names: list[str]) -> None:
    counted = Counter(name.lower() for name in names)
    doubled = [name for name in names if counted[name.lower()] > 1]
    if doubled:
        both = " and ".join(doubled[:2])
        raise FormError("schema-double", f"Spark does not distinguish the columns {both}.")


def _refuse_timeless(found: list[Column]) -> None:
    kinds = [kind for _, kind in (*found, *fields(found))]
    if "TIMESTAMP" in kinds:
        return
    reason = "No column is a TIMESTAMP, so there is no event time."
    if "TIMESTAMP_NTZ" in kinds:
        reason = "A TIMESTAMP_NTZ is not a point in time: its meaning depends on the time zone."
    if "BIGINT" in kinds:
        reason += (
            " Declare a number of seconds since 1970 as TIMESTAMP; for milliseconds and smaller "
            "units, set events.epoch_unit in conf/base.toml afterwards."
        )
    raise FormError("schema-no-time", reason)
