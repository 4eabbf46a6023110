"""A tokenizer of schemas that keeps positions, so that a correction changes only one place."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

MAX_DDL, MAX_DEPTH = 100_000, 30
MARKUP = re.compile(r"\{[{%#]")
_BLANK = re.compile(r"(?:\s+|--[^\n]*|/\*.*?\*/)*", re.DOTALL)
_TOKEN = re.compile(
    r"`(?:[^`]|``)*`"  # a name
    r"|'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.|\"\")*\""  # a text, as after COMMENT
    r"|[,()<>:;]"
    r"|(?:(?!--|/\*)[^\s,()<>:;`'\"])+",
    re.DOTALL,
)
_PAIRS = {"(": ")", "<": ">"}
_PLAIN = re.compile(r"[A-Za-z_]\w*", re.ASCII)


class FormError(ValueError):
    """Raised when an answer cannot be parsed; `edit` is the correction, if there is exactly one."""

    def __init__(self, rule: str, text: str, edit: "Edit | None" = None) -> None:
        """Store the id of the rule with the text."""
        super().__init__(text)
        self.rule = rule
        self.edit = edit


@dataclass(frozen=True)
class Token:
    """A word, a symbol, a quoted name or a quoted text, from `start` to `end`."""

    text: str
    start: int
    end: int

    @property
    def word(self) -> str:
        """The token in upper case, as keywords and types are compared."""
        return self.text.upper()


@dataclass(frozen=True)
class Edit:
    """A replacement for the text from `start` to `end`."""

    start: int
    end: int
    text: str


def edited(text: str, edits: Sequence[Edit]) -> str:
    """Return the text after all edits."""
    for edit in sorted(edits, key=lambda edit: edit.start, reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def plain_ddl(text: str) -> str:
    """Return the schema as DDL; converts Spark's JSON form of a schema."""
    try:
        schema = json.loads(text) if text.lstrip().startswith("{") else None
        return _fields(schema["fields"], " ") if schema else text
    except (ValueError, KeyError, TypeError, RecursionError):
        return text


def _fields(fields: Any, sign: str) -> str:  # noqa: ANN401 - whatever JSON holds
    return ", ".join(f"{quoted(field['name'])}{sign}{_kind(field['type'])}" for field in fields)


def _kind(kind: Any) -> str:  # noqa: ANN401 - whatever JSON holds
    if isinstance(kind, str):
        return kind
    if kind["type"] == "array":
        return f"ARRAY<{_kind(kind['elementType'])}>"
    if kind["type"] == "map":
        return f"MAP<{_kind(kind['keyType'])}, {_kind(kind['valueType'])}>"
    return f"STRUCT<{_fields(kind['fields'], ': ')}>"


def quoted(name: str) -> str:
    """Return the name as DDL: in back quotes if it is not a plain word."""
    return name if _PLAIN.fullmatch(name) else back_quoted(name)


def back_quoted(name: str) -> str:
    """Return the name in back quotes."""
    return "`" + name.replace("`", "``") + "`"


def unquoted(text: str) -> str:
    """Return the name without back quotes."""
    return text[1:-1].replace("``", "`") if text.startswith("`") else text


def column_tokens(ddl: str) -> list[list[Token]]:
    """Return the tokens of each column: those between commas outside of brackets."""
    if len(ddl) > MAX_DDL:
        raise FormError("schema-form", f"It is longer than {MAX_DDL} characters.")
    markup = MARKUP.search(ddl)
    if markup:
        reason = f"It contains {markup[0]}, and stored answers are rendered as templates."
        raise FormError("schema-form", reason)
    tokens = _unwrapped(list(_tokens(ddl)))
    groups: list[list[Token]] = [[]]
    for depth, token in zip(_depths(tokens), tokens, strict=True):
        if token.text == "," and not depth:
            groups.append([])
        else:
            groups[-1].append(token)
    return groups


def _tokens(ddl: str) -> Iterator[Token]:
    at = _end_of_blank(ddl, 0)
    while at < len(ddl):
        match = _TOKEN.match(ddl, at)
        if match is None:
            raise FormError("schema-form", f"A {ddl[at]!r} is not closed.")
        yield Token(match[0], at, match.end())
        at = _end_of_blank(ddl, match.end())


def _end_of_blank(ddl: str, start: int) -> int:
    blank = _BLANK.match(ddl, start)
    return blank.end() if blank else start


def _depths(tokens: Sequence[Token]) -> Iterator[int]:
    """Yield for each token the number of open brackets after it."""
    opened: list[str] = []
    for token in tokens:
        if token.text in _PAIRS:
            opened.append(token.text)
        elif token.text in _PAIRS.values() and (not opened or _PAIRS[opened.pop()] != token.text):
            raise FormError("schema-form", f"A {token.text!r} closes nothing.")
        if len(opened) > MAX_DEPTH:
            raise FormError("schema-form", f"Types are nested more than {MAX_DEPTH} deep.")
        yield len(opened)
    if opened:
        raise FormError("schema-form", f"A {opened[-1]!r} is not closed.")


def _unwrapped(tokens: list[Token]) -> list[Token]:
    """Return only the columns of `CREATE TABLE name (...)`, `(...)`, `STRUCT<...>` or `...;`."""
    while tokens and tokens[-1].text == ";":
        tokens = tokens[:-1]
    words = [token.word for token in tokens]
    first = 0
    if words[:1] == ["CREATE"] and "TABLE" in words[:5] and "(" in words:
        first = words.index("(")
    elif words[:2] == ["STRUCT", "<"]:
        first = 1
    elif words[:1] != ["("]:
        return tokens
    depths = list(_depths(tokens))
    last = depths.index(0, first)
    # After the columns of a table come storage options, such as USING.
    return tokens[first + 1 : last] if first > 1 or last == len(tokens) - 1 else tokens
