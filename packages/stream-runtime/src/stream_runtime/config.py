"""The typed configuration in layers; an error names each wrong value and where it is set.

From weak to strong: conf/base.toml, conf/<env>.toml, the environment
(`STREAM__WINDOW__DURATION`), the command line (`--set window.duration="1 hour"`).
"""

import difflib
import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    SecretStr,
    ValidationError,
)

from .errors import ConfigError

PREFIX = "STREAM__"
FILE = "file:"


class SettingError(ValueError):
    """Raised by the check of several tables, with the key of the wrong value."""

    def __init__(self, key: Sequence[str], message: str) -> None:
        super().__init__(message)
        self.key = tuple(key)


class Table(BaseModel):
    """One table of conf/*.toml: read-only, and without unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


UNITS = {
    "millisecond": ("ms", "milli", "msec"),
    "second": ("s", "sec"),
    "minute": ("m", "min"),
    "hour": ("h", "hr"),
    "day": ("d",),
    "week": ("w",),
}
"""The units of a duration, with the short forms that people write."""
LONGEST = timedelta(days=365_000)
"""The longest duration: a thousand years after an event is a valid time in Python and Spark."""
LONG_UNITS = {short: unit for unit, names in UNITS.items() for short in (unit, *names)}


def _spelt_out(text: str) -> str:
    """Return a duration as Spark reads it; raise ValueError if it is none."""
    found = re.fullmatch(r"(\d+) *([a-z]+)", text.strip().lower())
    name = found and found[2]
    unit = LONG_UNITS.get(name or "") or LONG_UNITS.get((name or "").removesuffix("s"))
    if not found or not unit:
        message = "it is not a duration: write a number and a unit, such as '5 minutes'"
        raise ValueError(message)
    number = int(found[1])
    return f"{number} {unit}{'' if number == 1 else 's'}"


def _valid(text: str) -> str:
    duration = _spelt_out(text)
    to_timedelta(duration)
    return duration


def _positive(duration: str) -> str:
    if not to_timedelta(duration):
        message = "it is no time: write a number above 0, such as '5 minutes'"
        raise ValueError(message)
    return duration


DurationOrZero = Annotated[str, AfterValidator(_valid)]
"""A duration as Spark reads it, such as `5 minutes` (`5 min` is one too), or `0 seconds`."""
Duration = Annotated[DurationOrZero, AfterValidator(_positive)]
"""A duration above zero."""


def to_timedelta(duration: str) -> timedelta:
    """Return a duration such as `90 seconds` as a timedelta; raise ValueError if it is none."""
    number, unit = _spelt_out(duration).split(" ")
    try:
        found = timedelta(**{f"{unit.removesuffix('s')}s": int(number)})
    except OverflowError:
        found = timedelta.max
    if found > LONGEST:
        message = f"it is longer than {LONGEST.days:,} days: write a shorter time"
        raise ValueError(message)
    return found


def is_local(location: str) -> bool:
    """Return whether a path or URI is on this machine's disk: it has no scheme, or `file:`."""
    scheme = re.match(r"[a-z][a-z0-9+.-]*:", location, re.IGNORECASE)
    return not scheme or location.startswith(FILE)


def _to_place(location: str) -> str:
    if not location.strip():
        message = "it is empty: name a folder"
        raise ValueError(message)
    if not is_local(location):
        return location.rstrip("/")
    if not location.startswith(FILE):
        return str(Path(location).absolute())
    if not re.match(r"file:(//)?/([^/]|$)", location):
        message = "a URI of this machine is file: and an absolute path: write file:/its/path"
        raise ValueError(message)
    return location.rstrip("/") or location


def _to_log(location: str) -> str:
    if location == TERMINAL:
        return location
    if not is_local(location) or location.startswith(FILE):
        message = f"it is a URI: name a file on this machine, or {TERMINAL}"
        raise ValueError(message)
    return _to_place(location)


PLACE = "place"
"""The mark of a setting that names a folder, among the texts of the settings."""
Location = Annotated[str, AfterValidator(_to_place), PLACE]
"""A folder: a URI or a path; a relative path starts at the working directory."""
TERMINAL = "-"
"""The standard output, instead of a file."""
LogFile = Annotated[str, AfterValidator(_to_log), PLACE]
"""A file on this machine, or `-`."""


def _content(value: object) -> object:
    if isinstance(value, Mapping):
        message = "it is a table: write a text"
        raise ValueError(message)
    # A number is accepted as a text, because a secret may consist of digits.
    text = value if isinstance(value, SecretStr) else str(value)
    if isinstance(text, SecretStr) or not text.startswith(FILE):
        return text
    path = Path(text.removeprefix(FILE))
    if not path.is_file():
        message = f"there is no file {path}"
        raise ValueError(message)
    return path.read_text("utf-8").removesuffix("\n")


Secret = Annotated[SecretStr, BeforeValidator(_content)]
"""A text that is never shown: from the environment, or from a file as `file:/path`."""


@dataclass(frozen=True)
class Layer:
    """The values of one layer of the configuration, and its name for messages."""

    origin: str
    values: dict[str, Any]


SettingsT = TypeVar("SettingsT", bound=BaseModel)


def load(
    settings: type[SettingsT],
    environment: str,
    overrides: Iterable[str] = (),
    *,
    conf: Path = Path("conf"),
) -> SettingsT:
    """Return the settings of one environment.

    Raises:
        ConfigError: with all wrong values: where each is set, and the closest valid key.
    """
    layers = [
        _toml(conf / "base.toml"),
        _toml(conf / f"{environment}.toml"),
        *_environment(),
        *_overrides(overrides),
    ]
    values: dict[str, Any] = {}
    for layer in layers:
        values = _merged(values, layer.values)
    problems = [
        *_misspelt_variables(settings),
        *_examples(values, layers),
        *_exposed(values, layers, settings),
    ]
    try:
        loaded = settings.model_validate(values, context={"environment": environment})
    except ValidationError as error:
        problems += [_explained(detail, settings, layers) for detail in error.errors()]
    if problems:
        title = f"The configuration of {environment} has {len(problems)} problem(s):"
        raise ConfigError("\n  ".join([title, *problems]))
    return loaded


def _toml(path: Path) -> Layer:
    try:
        return Layer(str(path), tomllib.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        names = sorted(file.stem for file in path.parent.glob("*.toml") if file.stem != "base")
        hint = f"known environments: {', '.join(names)}" if names else "run in the project's root"
        message = f"{path} does not exist; {hint}, or name its folder with --conf."
        raise ConfigError(message) from None
    except tomllib.TOMLDecodeError as error:
        message = f"{path} is not valid TOML: {error}. Correct that line."
        raise ConfigError(message) from None


def _environment() -> Iterator[Layer]:
    for name, value in os.environ.items():
        if name.startswith(PREFIX):
            yield Layer(name, _nested(name.removeprefix(PREFIX).lower().split("__"), value))


def _misspelt_variables(settings: type[BaseModel]) -> Iterator[str]:
    """Yield the variables with one underscore where the name of a setting has two."""
    for table, field in settings.model_fields.items():
        for key in getattr(field.annotation, "model_fields", ()):
            right = f"{PREFIX}{table}__{key}".upper()
            for wrong in {right.replace("__", "_"), right.replace("__", "_", 1)} - {right}:
                if wrong in os.environ:
                    yield f"{wrong} has no effect: two underscores are missing. Name it {right}."


def _overrides(overrides: Iterable[str]) -> Iterator[Layer]:
    for text in overrides:
        key, equals, value = text.partition("=")
        if not equals:
            # What follows the key can be a secret, after another sign than "=".
            found = re.match(r"[\w.-]*", text)
            message = f'--set {found and found[0]} has no value: write --set TABLE.KEY="..."'
            raise ConfigError(message)
        yield Layer(f"--set {key}", _nested(key.split("."), value))


def _nested(keys: Sequence[str], value: str) -> dict[str, Any]:
    nested: Any = value
    for key in reversed(keys):
        nested = {key: nested}
    return dict(nested)


def _merged(low: Mapping[str, Any], high: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(low)
    for key, value in high.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = _merged(merged[key], value) if both else value
    return merged


def _examples(values: Mapping[str, Any], layers: Sequence[Layer], *path: str) -> Iterator[str]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _examples(value, layers, *path, key)
        elif isinstance(value, str) and re.search(r"\.example\b", value):
            location = (*path, key)
            origin, _ = _find(location, layers)
            yield f"{origin}: {'.'.join(location)} still is the example; put yours there."


def _exposed(
    values: Mapping[str, Any], layers: Sequence[Layer], table: type[BaseModel], *path: str
) -> Iterator[str]:
    """Yield the secrets that are in a file of conf/ or on the command line, readable for all."""
    for key, field in table.model_fields.items():
        value, location, kind = values.get(key), (*path, key), field.annotation
        if kind is SecretStr:
            origin, _ = _find(location, layers)
            if value and not (origin.startswith(PREFIX) or str(value).startswith(FILE)):
                yield (
                    f"{origin}: {'.'.join(location)} is a secret; put it into the variable "
                    f"{PREFIX}{'__'.join(location).upper()}, or name a file: {FILE}/path."
                )
        elif isinstance(value, Mapping) and isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _exposed(value, layers, kind, *location)


def _explained(detail: Any, settings: type[BaseModel], layers: Sequence[Layer]) -> str:
    error = detail.get("ctx", {}).get("error")
    several = isinstance(error, SettingError)
    location = error.key if several else tuple(str(part) for part in detail["loc"])
    if detail["type"] == "missing":
        return f"{'.'.join(location)} has no value; set it in {layers[1].origin}."
    where, found = _find(location, layers)
    key = ".".join(found)
    if detail["type"] == "extra_forbidden":
        known = _known_keys(settings, location[:-1])
        near = difflib.get_close_matches(location[-1], known, 1)
        parent = ".".join(location[:-1])
        hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(known)}."
        what = f"is no key of [{parent}]" if parent else "is no table"
        return f"{where}: {location[-1]} {what}; {hint}"
    message = detail["msg"].removeprefix("Value error, ")
    # A variable is likely to contain a secret that belongs to another key; a table or a list can.
    readable = isinstance(detail["input"], str | int | float) and not where.startswith(PREFIX)
    shown = f" = {detail['input']!r}" if readable else ""
    return f"{where}: {key}{shown}: {message}."


def _find(location: Sequence[str], layers: Sequence[Layer]) -> tuple[str, Sequence[str]]:
    """Return the strongest layer that has a value, and its key.

    The location of an error can be longer than the key: then its beginning is the key.
    """
    for end in range(len(location), 0, -1):
        for layer in reversed(layers):
            values: Any = layer.values
            for part in location[:end]:
                values = values.get(part) if isinstance(values, Mapping) else None
            if values is not None:
                return layer.origin, location[:end]
    return "its default", location


def _known_keys(settings: type[BaseModel], path: Sequence[str]) -> list[str]:
    table: Any = settings
    for part in path:
        table = table.model_fields[part].annotation
    return sorted(table.model_fields)
