"""The columns of an event: those of the schema, and the fields of structs that have a role."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .columns import Column, fields

Path = tuple[str, ...]
"""The names that lead to a field: `("meta", "ts")`."""
Roles = Mapping[str, tuple[str, ...]]
"""The columns of each role: none, one, or several of a role in SEVERAL."""
RESULT_NAMES = ("window_start", "window_end", "event_count")


@dataclass(frozen=True)
class Field:
    """A field of a struct, which can have a role as a column can."""

    path: Path
    kind: str

    @property
    def column(self) -> str:
        """The name of the column that it becomes."""
        return "_".join(self.path)


@dataclass(frozen=True)
class Event:
    """The columns of an event with their types, those of each role, and where fields come from."""

    columns: dict[str, str]
    roles: Roles
    paths: dict[str, Path]
    """The columns that are fields of structs, with their paths."""

    def path(self, column: str) -> Path:
        """Return the names that lead to the column in a record."""
        return self.paths.get(column, (column,))


def named_fields(found: list[Column]) -> dict[str, Field]:
    """Return the fields that a role can name, by path with dots; a column's name is the column."""
    taken = {name.lower() for name, _ in found}
    named = {}
    for path, kind in fields(found):
        name = ".".join(path)
        if name.lower() not in taken:
            taken.add(name.lower())
            named[name] = Field(path, kind)
    return named


def lift(found: list[Column], roles: Roles) -> Event:
    """Return the event, with a column of its own for each field that has a role."""
    inner, columns = named_fields(found), dict(found)
    lifted: dict[str, str] = {}
    paths: dict[str, Path] = {}
    for name in (name for names in roles.values() for name in names if name in inner):
        field = inner[name]
        column = free_name(field.column, (*columns, *RESULT_NAMES))
        lifted[name], paths[column], columns[column] = column, field.path, field.kind
    having = {
        role: tuple(lifted.get(name, name) for name in names) for role, names in roles.items()
    }
    return Event(columns, having, paths)


def free_name(name: str, taken: Iterable[str]) -> str:
    """Return the name, or a similar one that no column has; Spark ignores case."""
    names = {column.lower() for column in taken}
    while name.lower() in names:
        name += "_"
    return name
