"""The roles: which column is the event's id, time, key and measure."""

import re
from collections import Counter
from collections.abc import Mapping

from .columns import INTEGERS, Column, SchemaError, columns
from .problems import Violation, nearest_name

Roles = dict[str, str | None]

# The types that can play each role.
ROLES: dict[str, tuple[str, ...]] = {
    # Smaller ones have too few values to tell events apart.
    "id": ("STRING", "INT", "BIGINT"),
    "time": ("TIMESTAMP",),
    "key": ("STRING", *INTEGERS, "BOOLEAN", "DATE"),
    "measure": (*INTEGERS, "FLOAT", "DOUBLE", "DECIMAL"),
}
ID_NAMES = ("event_id", "id")
GUESSED_MEASURES = ("DOUBLE", "FLOAT", "DECIMAL")
_PAIR = r" *\w+ *= *\w+ *"


def derived(found: list[Column]) -> Roles:
    """Return the roles that types and names suggest; no id is guessed: a wrong one loses events."""
    ids = [n for wanted in ID_NAMES for n, k in found if n.lower() == wanted and k in ROLES["id"]]
    event_id = next(iter(ids), None)
    measure = _first(found, GUESSED_MEASURES)
    taken = (event_id, total_of(measure))
    return {
        "id": event_id,
        "time": _first(found, ROLES["time"]),
        "key": _first([column for column in found if column[0] not in taken], ("STRING",)),
        "measure": measure,
    }


def total_of(measure: str | None) -> str | None:
    """Return the name of the result's column with the sum of the measure."""
    return f"total_{measure}" if measure else None


def _first(found: list[Column], kinds: tuple[str, ...]) -> str | None:
    return next((name for name, kind in found if _base(kind) in kinds), None)


def _base(kind: str) -> str:
    return kind.partition("(")[0]


def written(roles: Mapping[str, str | None]) -> str:
    """Write the roles as they are asked for: `id=event_id, time=event_time`."""
    return ", ".join(f"{role}={name}" for role, name in roles.items() if name)


def default_roles(ddl: str) -> str:
    """Return what is proposed for event_roles; empty where the schema cannot be read."""
    try:
        return written(derived(columns(ddl)))
    except SchemaError:
        return ""


def read_roles(text: str) -> Roles:
    """Read the text of event_roles as {role: column}; only for text without violations."""
    return dict.fromkeys(ROLES) | dict(_pairs(text))


def _pairs(text: str) -> list[tuple[str, str]]:
    parts = [part.partition("=") for part in text.split(",")]
    return [(role.strip(), name.strip()) for role, _, name in parts]


def role_violations(text: str, ddl: str) -> list[Violation]:
    """Return all that is wrong with event_roles, given a schema that can be read."""
    if not re.fullmatch(rf"{_PAIR}(,{_PAIR})*", text, re.ASCII):
        return [_refused("role-form", "It is not of the form id=..., time=...", "", ddl)]
    pairs, found = _pairs(text), dict(columns(ddl))
    out = _doubles(pairs, ddl)
    for role, name in pairs:
        out += _role(role, name, found, (text, ddl))
    roles = dict(pairs)
    if "time" not in roles:
        out.append(_refused("role-no-time", "No column is the event's time.", "", ddl))
    key, total = roles.get("key"), total_of(roles.get("measure"))
    if total and key == total:
        out.append(_refused("role-result-name", f"The result has a {key} of its own.", "", ddl))
    return out


def _doubles(pairs: list[tuple[str, str]], ddl: str) -> list[Violation]:
    roles, names = Counter(role for role, _ in pairs), Counter(name for _, name in pairs)
    return [
        _refused("role-twice", f"The role {role} is given twice.", "", ddl)
        for role, count in roles.items()
        if count > 1
    ] + [
        _refused("role-shared", f"The column {name} cannot play two roles.", "", ddl)
        for name, count in names.items()
        if count > 1
    ]


def _role(role: str, name: str, found: dict[str, str], answers: tuple[str, str]) -> list[Violation]:
    text, ddl = answers
    if role not in ROLES:
        right = nearest_name(role, ROLES)
        correction = re.sub(rf"\b{role}(?=\s*=)", right, text) if right else ""
        reason = f"There is no role {role}; the roles are {', '.join(ROLES)}."
        return [_refused("role-unknown", reason, correction, ddl)]
    if name not in found:
        right = nearest_name(name, found)
        correction = re.sub(rf"(?<==)(\s*){name}\b", rf"\g<1>{right}", text) if right else ""
        return [_refused("role-column", f"The schema has no column {name}.", correction, ddl)]
    if _base(found[name]) not in ROLES[role]:
        allowed = ", ".join(ROLES[role])
        reason = f"{name} is {found[name]}; the {role} is one of {allowed}."
        return [_refused("role-type", reason, "", ddl)]
    return []


def _refused(rule: str, reason: str, correction: str, ddl: str) -> Violation:
    proposal = correction or default_roles(ddl)
    return Violation(
        rule, "form", "event_roles", reason, f"Choose {proposal}.", "event_roles", proposal
    )
