"""The faults that the generator puts into records, each with its reason in quarantine."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import TYPE_CHECKING

from .paths import to_record
from .values import FLOATING, Value, base_of, dumps, is_number

if TYPE_CHECKING:
    from .generate import EventSpec

UNSET = datetime(1970, 1, 1, tzinfo=UTC)
FAR_FUTURE = datetime(2087, 6, 5, 4, 3, 2, tzinfo=UTC)


@dataclass(frozen=True)
class Fault:
    """One deliberate error in a record."""

    kind: str
    reason: str | None
    """The reason in quarantine; None for a record that is unusual but valid."""
    per_100k: int
    """The number of events with this fault among 100,000."""
    apply: "Callable[[dict[str, Value], EventSpec, Random], bytes | None]"
    applies: "Callable[[EventSpec], bool]" = lambda spec: not spec.typed


def to_raw(values: dict[str, Value], spec: "EventSpec") -> bytes:
    """Return the record of an event as its producer sends it."""
    return dumps(to_record(values, spec.paths)).encode()


def _truncated(values: dict[str, Value], spec: "EventSpec", rng: Random) -> bytes:
    # Cut as text, because half a letter is invalid UTF-8, which has another reason.
    whole = to_raw(values, spec).decode()
    return whole[: rng.randrange(1, len(whole))].encode()


def _two_in_one(values: dict[str, Value], spec: "EventSpec", rng: Random) -> bytes:
    between = rng.choice([b"", b"\n", b",", b"]}", b"]},", b'],"events":['])
    return between.join([to_raw(values, spec)] * 2)


def _wrong_type(values: dict[str, Value], spec: "EventSpec", _: Random) -> bytes:
    numbers = [name for name, kind in spec.columns.items() if is_number(kind) and name != spec.id]
    wrong = {numbers[-1]: "twelve"} if numbers else {spec.time: {"hour": 12}}
    return to_raw({**values, **wrong}, spec)


def _invalid_utf8(values: dict[str, Value], spec: "EventSpec", _: Random) -> bytes:
    # Latin-1 in a text, as an old client sends it; in an extra field if there is no text.
    texts = (name for name, kind in spec.columns.items() if kind == "STRING")
    name = next((name for name in texts if name != spec.id), _unknown("note", spec))
    return to_raw({**values, name: "caf?"}, spec).replace(b"caf?", b"caf\xe9")


def _missing(values: dict[str, Value], spec: "EventSpec", rng: Random, name: str | None) -> bytes:
    """Set the field to null, or remove it, with equal probability."""
    rest = {column: value for column, value in values.items() if column != name}
    return to_raw(rng.choice([rest, {**rest, str(name): None}]), spec)


def _not_finite(values: dict[str, Value], spec: "EventSpec", rng: Random) -> bytes:
    wrong = rng.choice([float("nan"), float("-inf")])
    return to_raw({**values, str(spec.measure): wrong}, spec)


def _epoch_millis(values: dict[str, Value], spec: "EventSpec", _: Random) -> bytes:
    return to_raw({**values, spec.time: round(values[spec.time].timestamp() * 1000)}, spec)


def _unknown_field(values: dict[str, Value], spec: "EventSpec", _: Random) -> bytes:
    return to_raw({**values, _unknown("utm_source", spec): "mail"}, spec)


def _unknown(name: str, spec: "EventSpec") -> str:
    """Return the name, or a similar one that the schema does not have."""
    while name in spec.columns:
        name += "_"
    return name


def _has_floating_measure(spec: "EventSpec") -> bool:
    return spec.measure is not None and base_of(spec.columns[spec.measure]) in FLOATING


FAULTS = (
    Fault("truncated", "malformed", 60, _truncated),
    Fault("not_json", "malformed", 40, lambda *_: b"GET /health HTTP/1.1"),
    Fault("wrong_type", "malformed", 50, _wrong_type),
    Fault("two_in_one", "malformed", 30, _two_in_one),
    Fault("empty", "malformed", 20, lambda *_: b""),
    Fault("tombstone", "malformed", 10, lambda *_: None),
    Fault("invalid_utf8", "invalid_utf8", 25, _invalid_utf8),
    Fault(
        *("missing_id", "missing_id", 40),
        lambda values, spec, rng: _missing(values, spec, rng, spec.id),
        lambda spec: spec.id is not None,
    ),
    Fault(
        *("missing_time", "missing_time", 45),
        lambda values, spec, rng: _missing(values, spec, rng, spec.time),
        lambda _: True,
    ),
    Fault(
        *("missing_key", "missing_key", 55),
        lambda values, spec, rng: _missing(values, spec, rng, spec.keys[-1]),
        lambda spec: bool(spec.keys),
    ),
    Fault("epoch_millis", "malformed", 35, _epoch_millis),
    Fault(
        *("unset_time", "past_time", 20),
        lambda values, spec, _: to_raw({**values, spec.time: UNSET}, spec),
        lambda _: True,
    ),
    Fault(
        *("far_future", "future_time", 15),
        lambda values, spec, _: to_raw({**values, spec.time: FAR_FUTURE}, spec),
        lambda _: True,
    ),
    Fault("not_finite", "not_finite", 30, _not_finite, _has_floating_measure),
    Fault("unknown_field", None, 120, _unknown_field),
)
