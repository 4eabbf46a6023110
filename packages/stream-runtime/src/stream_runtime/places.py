"""The folders and files that settings name, and whether two of them overlap."""

import os
import posixpath
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import get_args

from pydantic.fields import FieldInfo

from .causes import cause_of
from .config import FILE, PLACE, TERMINAL, Table, is_local

NO_SPACE = "No space left on device"
FULL_BYTES = 100 * 2**20
"""A disk with less free space counts as full: what failed can have freed some."""
WRITTEN = ("checkpoint", "quarantine", "sink", "metrics")
"""The tables whose places the job writes; it only reads the others."""


def list_places(table: Table, *above: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the key and the absolute location of each folder and file that settings name."""
    for name, field in type(table).model_fields.items():
        value = getattr(table, name)
        if isinstance(value, Table):
            yield from list_places(value, *above, name)
        elif isinstance(value, str) and value != TERMINAL and _is_place(field):
            yield (*above, name), value
        elif isinstance(value, Path):
            yield (*above, name), str(value.absolute())


def _is_place(field: FieldInfo) -> bool:
    """Return whether a field is a `Location`, or one that can be None."""
    kinds = (getattr(kind, "__metadata__", ()) for kind in get_args(field.annotation))
    return PLACE in field.metadata or any(PLACE in kind for kind in kinds)


def find_overlap(settings: Table) -> tuple[Sequence[str], str] | None:
    """Return a key whose place overlaps with another one, and how; None if none does.

    Two places that the job only reads may overlap: two inputs can be in one folder.
    """
    places = sorted(list_places(settings), key=lambda found: found[0][0] != WRITTEN[0])
    for key, place in (found for found in places if found[0][0] in WRITTEN):
        for other_key, other in places:
            relation = _relate(place, other) if other_key != key else ""
            if relation:
                return key, f"it {relation} {'.'.join(other_key)}: name another folder"
    return None


def explain(error: Exception, settings: Table) -> str:
    """Return the cause of an error, and the full disk of this machine if it is one."""
    cause = cause_of(error)
    if NO_SPACE not in cause:
        return cause
    places = {".".join(key): place for key, place in list_places(settings) if is_local(place)}
    places["the temporary folder"] = tempfile.gettempdir()
    free = {name: _free_bytes(Path(place.removeprefix(FILE))) for name, place in places.items()}
    fullest = min(free, key=lambda name: free[name])
    if free[fullest] > FULL_BYTES:
        return cause
    where = f"{fullest} = {places[fullest]} ({free[fullest] / 2**20:.1f} MiB are free)"
    return f"no space left on {where}: {cause}"


def _free_bytes(place: Path) -> int:
    while not place.exists():
        place = place.parent
    return shutil.disk_usage(place).free


def has_folder(location: str) -> bool:
    """Return whether a location is more than the root of a file system."""
    return bool(_split(location)[1].name)


def _relate(place: str, other: str) -> str:
    (system, path), (other_system, other_path) = _split(place), _split(other)
    if system != other_system:
        return ""
    if path == other_path:
        return "is also"
    if path.is_relative_to(other_path):
        return "is inside"
    return "contains" if other_path.is_relative_to(path) else ""


def _split(location: str) -> tuple[str, PurePosixPath]:
    """Return the file system of an absolute location, and the path in it without `..` and links."""
    if is_local(location):
        path = location.removeprefix("file:").lstrip("/")
        return "", PurePosixPath(os.path.realpath(f"/{path}"))
    found = re.fullmatch(r"([^:]+:(?://[^/]*)?)/*(.*)", location, re.DOTALL)
    system, path = found.groups() if found else ("", location)
    return system, PurePosixPath(posixpath.normpath(f"/{path}"))
