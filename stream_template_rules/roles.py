"""The roles: which columns are the event's id, time, key and measure."""

import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping
from itertools import pairwise

from .columns import INTEGERS, MAX_NAME, OWN, Column, columns
from .ddl import Edit, FormError, back_quoted, column_tokens, edited, unquoted
from .event import RESULT_NAMES, Event, Field, Roles, lift, named_fields
from .problems import Violation, nearest_name

# The types that can play each role.
ROLES: dict[str, tuple[str, ...]] = {
    # Smaller types have too few values to identify events.
    "id": ("STRING", "INT", "BIGINT"),
    "time": ("TIMESTAMP",),
    "key": ("STRING", *INTEGERS, "BOOLEAN", "DATE"),
    "measure": (*INTEGERS, "FLOAT", "DOUBLE", "DECIMAL"),
}
SEVERAL = ("key", "measure")
"""The roles that several columns can have."""
ID_NAMES = ("event_id", "id")
FRACTIONS = ("DOUBLE", "FLOAT", "DECIMAL")
# The last word of the name of a column that identifies something.
ID_WORDS = {"id", "uuid", "guid"}
# The last word of the name of an integer that has no useful sum.
UNSUMMED = ID_WORDS | {
    *("at", "code", "day", "epoch", "hour", "month", "nr", "number", "offset", "partition"),
    *("port", "status", "timestamp", "ts", "version", "year", "zip"),
}
NONE = "none"
# A part of event_roles: commas in back quotes do not end it.
_PART = re.compile(r"(?:`(?:[^`]|``)*`|[^,`])+")
# A column of several: in back quotes with any character, or up to the next plus sign.
_ONE = re.compile(r"`(?:[^`]|``)+`|[^\s,`+](?:[^,`+]*[^\s,`+])?")
_SEVERAL = re.compile(rf"(?:{_ONE.pattern})(?:\s*\+\s*(?:{_ONE.pattern}))*")
# A column alone is not quoted for a plus sign.
_ALONE = re.compile(r"[^\s,`](?:[^,`]*[^\s,`])?")
_WHOLE = re.compile(".+", re.DOTALL)
_PAIR = re.compile(rf"\s*(\w+)\s*=\s*({_SEVERAL.pattern}|{_ALONE.pattern})\s*")
POSTGRES_BYTES = 63
POSTGRES_OWN = {"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"}
_PLAIN = re.compile(r"[\w@.-]+")


def derived(found: list[Column]) -> Roles:
    """Return the roles that types and names suggest; an id is never guessed, as it loses events.

    A field of a struct is proposed where no column can have the role.
    """
    ids = [n for wanted in ID_NAMES for n, k in found if n.lower() == wanted and k in ROLES["id"]]
    event_id = next(iter(ids), None)
    inner = [(name, field.kind) for name, field in named_fields(found).items()]
    measure = _measure(found) or _measure(inner)
    beside = {event_id, *_beside_key([measure] if measure else [])}
    proposed = {
        "id": event_id,
        "time": _first(found + inner, ROLES["time"]),
        "key": _key(found, beside) or _key(inner, beside),
        "measure": measure,
    }
    return {role: (column,) if column else () for role, column in proposed.items()}


def _measure(found: list[Column]) -> str | None:
    return _first(found, FRACTIONS) or _first(filter(_is_summed, found), INTEGERS)


def _key(found: list[Column], beside: Container[str | None]) -> str | None:
    """Return the first text, but none of the columns beside it."""
    texts = [name for name, kind in found if kind == "STRING" and name.lower() not in beside]
    # A column with a different value in almost every event is the last choice for the key.
    texts.sort(key=lambda name: _last_word(name) in ID_WORDS)
    return next(iter(texts), None)


def _beside_key(measures: Iterable[str]) -> set[str]:
    """Return the other columns of a window's result, in lower case, as Spark ignores case."""
    return {name.lower() for name in (*RESULT_NAMES, *map(total_of, measures))}


def _is_summed(column: Column) -> bool:
    """Return whether the sum is useful by its name, and each sink can store it."""
    name, total = column[0], total_of(column[0])
    return _last_word(name) not in UNSUMMED and _delta_takes(total) and _postgres_takes(total)


def _last_word(name: str) -> str:
    """Return the last word of a name in lower case: `user_id` and `userID` end with id."""
    return re.split(r"[^a-zA-Z]+|(?<=[a-z])(?=[A-Z])", name)[-1].lower()


def total_of(measure: str) -> str:
    """Return the name of the result's column with the sum of the measure."""
    return f"total_{measure}"


def _first(found: Iterable[Column], kinds: tuple[str, ...]) -> str | None:
    return next((name for name, kind in found if _base(kind) in kinds), None)


def _base(kind: str) -> str:
    return kind.partition("(")[0]


def written(roles: Roles) -> str:
    """Return the roles as an answer: `id=event_id, time=event_time`."""
    return ", ".join(
        f"{role}={'+'.join(map(_quoted, columns))}" for role, columns in roles.items() if columns
    )


def _quoted(name: str) -> str:
    """Return the column as an answer: in back quotes if it is not a plain word."""
    if _PLAIN.fullmatch(name) and name.lower() != NONE:
        return name
    return back_quoted(name)


def default_roles(ddl: str) -> str:
    """Return what is proposed for event_roles; empty where the schema cannot be read."""
    try:
        return written(derived(columns(ddl)))
    except FormError:
        return ""


def read_roles(text: str, found: Iterable[str] = ()) -> Roles:
    """Read the text of event_roles as {role: columns}; only for text without violations.

    A column that is among those found is spelt as it is there.
    """
    given = {match[1].lower(): _meant(match, found) for match in _matches(text)}
    return dict.fromkeys(ROLES, ()) | given


def read_event(ddl: str, roles: str) -> Event:
    """Read both answers; only for text without violations."""
    found = columns(ddl)
    return lift(found, read_roles(roles, [*dict(found), *named_fields(found)]))


def _matches(text: str) -> list[re.Match[str]]:
    """Return the parts of event_roles that give a role to columns.

    Raises:
        FormError: if a part has another form.
    """
    parts = list(_PART.finditer(text))
    matches = [match for part in parts if (match := _PAIR.fullmatch(text, *part.span()))]
    if not matches or len(matches) < len(parts) or ",".join(part[0] for part in parts) != text:
        raise FormError("role-form", "The form is id=..., time=...")
    return [match for match in matches if match[2].lower() != NONE]


def _meant(match: re.Match[str], found: Iterable[str]) -> tuple[str, ...]:
    """Return the columns of a role, each spelt as it is among those found."""
    names = (name[0] for name in _names(match, found))
    return tuple(_column(name, found) or unquoted(name) for name in names)


def _names(match: re.Match[str], found: Iterable[str]) -> list[re.Match[str]]:
    """Return the columns that a role names, as they are typed.

    A text that is a column as a whole is one, whatever it contains.
    """
    is_one = _column(match[2], found) or not _SEVERAL.fullmatch(match[2])
    return list((_WHOLE if is_one else _ONE).finditer(match.string, *match.span(2)))


def _column(name: str, found: Iterable[str]) -> str | None:
    """Return the column that is meant, in whatever case it is typed."""
    by_lower = {column.lower(): column for column in found}
    return by_lower.get(unquoted(name).lower())


def parts_of(event: Event) -> dict[str, str]:
    """Return what rules ask of the columns: which roles are given, which names a sink takes.

    The result of a window has the names of its key and totals, any other has all columns.
    """
    roles, columns = event.roles, list(event.columns)
    result = [*roles["key"], *map(total_of, roles["measure"])]
    fields = [name for kind in event.columns.values() for name in _fields_in(kind)]
    taken = {
        "delta_takes_columns": all(map(_delta_takes, columns + fields)),
        "delta_takes_result": all(map(_delta_takes, result)),
        "delta_takes_key": all(map(_delta_takes, roles["key"])),
        "postgres_takes_columns": all(map(_postgres_takes, columns)),
        "postgres_takes_result": all(map(_postgres_takes, result)),
    }
    given = {role: ("missing", "given", "several")[min(len(roles[role]), 2)] for role in ROLES}
    return given | {part: "yes" if takes else "no" for part, takes in taken.items()}


def _fields_in(kind: str) -> list[str]:
    """Return the names of all fields in a type."""
    tokens = [token.text for group in column_tokens(f"a {kind}") for token in group]
    return [unquoted(name) for name, sign in pairwise(tokens) if sign == ":"]


def _delta_takes(name: str) -> bool:
    return not set(name) & set(" ,;{}()=`")


def _postgres_takes(name: str) -> bool:
    return len(name.encode()) <= POSTGRES_BYTES and name not in POSTGRES_OWN


def role_violations(text: str, ddl: str) -> list[Violation]:
    """Return the violations of event_roles, given a valid schema."""
    found, proposal = columns(ddl), default_roles(ddl)
    return [
        Violation(
            error.rule,
            "form",
            "event_roles",
            str(error),
            f"Choose {corrected or proposal}.",
            "event_roles",
            corrected,
        )
        for error in _role_errors(text, found)
        for corrected in [edited(text, [error.edit]) if error.edit else None]
    ]


def _role_errors(text: str, columns: list[Column]) -> list[FormError]:
    try:
        matches = _matches(text)
    except FormError as error:
        return [error]
    inner = named_fields(columns)
    found = dict(columns) | {name: field.kind for name, field in inner.items()}
    errors = [error for match in matches for error in _errors_of(match, found)]
    roles = {match[1].lower(): _meant(match, found) for match in matches}
    return [
        *errors,
        *_doubles(matches, found),
        *_missing_time(text, roles, found),
        *_unfit_names(inner[name] for names in roles.values() for name in names if name in inner),
        *_shadows(lift(columns, roles).roles),
    ]


def _errors_of(match: re.Match[str], found: Mapping[str, str]) -> Iterator[FormError]:
    """Yield the errors of one role alone."""
    role, names = match[1].lower(), _names(match, found)
    if role not in ROLES:
        edit = _respelt(match.span(1), nearest_name(role, ROLES))
        reason = f"There is no role {role}; the roles are {', '.join(ROLES)}."
        yield FormError("role-unknown", reason, edit)
        return
    if len(names) > 1 and role not in SEVERAL:
        reason = (
            f"The {role} is one column; only {' and '.join(SEVERAL)} can be several. A name with "
            "+ needs back quotes."
        )
        yield FormError("role-several", reason)
        return
    yield from _repeats(role, names, found)
    for name in names:
        yield from _errors_of_column(role, name, found)


def _repeats(
    role: str, names: list[re.Match[str]], found: Mapping[str, str]
) -> Iterator[FormError]:
    """Yield an error for each column that a role names again; the correction removes it."""
    columns = [_column(name[0], found) for name in names]
    for place, column in enumerate(columns):
        if column and column in columns[:place]:
            edit = Edit(names[place - 1].end(), names[place].end(), "")
            yield FormError("role-repeated", f"The {role} names the column {column} twice.", edit)


def _errors_of_column(
    role: str, match: re.Match[str], found: Mapping[str, str]
) -> Iterator[FormError]:
    """Yield why a column cannot have the role."""
    name, column = unquoted(match[0]), _column(match[0], found)
    if column is None:
        fitting = [column for column, kind in found.items() if _base(kind) in ROLES[role]]
        right = _only_field(name, fitting) or nearest_name(name, fitting)
        edit = _respelt(match.span(), _quoted(right) if right else None)
        yield FormError("role-column", f"The schema has no column {name}{_nested(name)}.", edit)
    elif _base(found[column]) not in ROLES[role]:
        allowed = ", ".join(ROLES[role])
        reason = f"{column} is {found[column]}; the {role} is one of {allowed}."
        yield FormError("role-type", reason)


def _respelt(span: tuple[int, int], right: str | None) -> Edit | None:
    return Edit(*span, right) if right else None


def _only_field(name: str, found: Iterable[str]) -> str | None:
    """Return the only field of that name: `meta.ts` for `ts` or `data.ts`."""
    last = name.lower().rpartition(".")[2]
    ends = [field for field in found if field.lower().endswith(f".{last}")]
    return ends[0] if len(ends) == 1 else None


def _nested(name: str) -> str:
    """Return what is said of a path that leads to no field."""
    if "." not in name:
        return ""
    return " and no such field of a STRUCT (one in an ARRAY or a MAP has no single value)"


def _unfit_names(fields: Iterable[Field]) -> Iterator[FormError]:
    """Yield an error for each field that would become a column with an impossible name."""
    for field in fields:
        if len(field.column) > MAX_NAME or field.column.lower().startswith(OWN):
            reason = (
                f"{'.'.join(field.path)[:60]} would become the column {field.column[:60]}: a name "
                f"has at most {MAX_NAME} characters, and does not begin with {OWN}."
            )
            yield FormError("role-column", reason)


def _doubles(matches: list[re.Match[str]], found: Mapping[str, str]) -> Iterator[FormError]:
    roles = Counter(match[1].lower() for match in matches)
    names = Counter(name for match in matches for name in {*_meant(match, found)})
    for role, count in roles.items():
        if count > 1:
            yield FormError("role-twice", f"The role {role} is given twice.")
    for name, count in names.items():
        if count > 1:
            yield FormError("role-shared", f"The column {name} cannot have two roles.")


def _missing_time(text: str, roles: Iterable[str], found: Mapping[str, str]) -> Iterator[FormError]:
    times = [name for name, kind in found.items() if kind in ROLES["time"]]
    if "time" not in roles:
        only = f", time={_quoted(times[0])}" if len(times) == 1 and "time" not in text else None
        edit = _respelt((len(text), len(text)), only)
        yield FormError("role-no-time", "No column has the role time.", edit)


def _shadows(roles: Roles) -> Iterator[FormError]:
    """Yield an error if the key has the name of another column of the result."""
    beside = _beside_key(roles.get("measure", ()))
    for key in roles.get("key", ()):
        if key.lower() in beside:
            yield FormError("role-result-name", f"The result already has another column {key}.")
