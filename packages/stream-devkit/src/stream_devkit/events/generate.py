"""The events of the demo; the generator knows the outcome of each of them.

The same seed gives the same bytes. The events have the load of a day: a rise in the morning, a
burst at noon, a peak in the evening. Some are out of order within the watermark's delay, some are
duplicates, some have a fault. If the job drops late events, some are of an offline client.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random

from stream_runtime.names import Key, columns_of

from .faults import FAULTS, Fault, to_raw
from .paths import Paths, to_record
from .values import Value, key_parts, value

START = datetime(2026, 3, 2, 6, tzinfo=UTC)
STEPS = 192
TAIL_STEPS = 12
SENT_TWICE = 0.004
NULL = 0.04
OFFLINE = (0.30, 0.35)
"""The part of the whole time in which the late events happened."""
FEWER = 100
"""The number of events of the left input for each event of the right one."""
RIGHT = 0.1
"""The number of sample events of the right input for each event of the left one."""
LATE = 3
"""How far a late sample event is behind its moment, as a multiple of the watermark's delay."""
BUSY, QUIET = 2.5, 2.0
"""The number of steps in which a key has events, and of its pause afterwards."""
KEY_WORDS = {
    "type": ("page_view", "search", "add_to_cart", "purchase", "refund"),
    "country": ("DE", "FR", "IT", "ES", "PL"),
    "currency": ("EUR", "USD", "GBP", "CHF", "SEK"),
    "": ("north", "south", "east", "west", "center"),
}
KEY_WEIGHTS = (46, 26, 15, 9, 4)


@dataclass(frozen=True)
class EventSpec:
    """The event spec: the columns of a project, their roles, and its durations."""

    columns: Mapping[str, str]
    time: str
    key: Key = None
    id: str | None = None
    measure: str | None = None
    step: timedelta = timedelta(minutes=5)
    """The unit of the day: from window to window, or the gap that ends a session."""
    delay: timedelta = timedelta(minutes=10)
    """How far the watermark is behind the newest event."""
    drops_late: bool = True
    """Whether the job drops late events."""
    keeps_late: bool = False
    """Whether quarantine has the late events."""
    pauses: bool = False
    """Whether each key has pauses, so that its sessions end."""
    duplicates: bool = True
    """Whether a duplicate event differs from a row that is written twice."""
    drops_duplicates: bool = False
    """Whether the job drops an event that is sent twice."""
    counts_state: bool = True
    """Whether Spark reports the number of state rows correctly."""
    result_key: tuple[str, ...] = ()
    """The columns that identify a row of the result."""
    typed: bool = False
    """Whether records have typed columns, so that none can be malformed."""
    paths: Paths = field(default_factory=dict)
    """The columns that are fields of structs in a record."""
    right: "EventSpec | None" = None
    """The event spec of the right input."""

    @property
    def keys(self) -> tuple[str, ...]:
        """Return the columns of the key."""
        return columns_of(self.key)

    @property
    def inputs(self) -> dict[str, "EventSpec"]:
        """Return the event spec of each input, by its table of settings."""
        return {"source": self} | ({"right": self.right} if self.right else {})

    def of(self, event: "Event") -> "EventSpec":
        """Return the event spec of the input to which an event is sent."""
        return self.inputs[event.table]


@dataclass(frozen=True, slots=True)
class Event:
    """One record and its outcome."""

    raw: bytes | None
    key: bytes | None
    sent: datetime
    kind: str
    reason: str | None = None
    """The reason in quarantine, None for a valid record."""
    values: Mapping[str, Value] = field(default_factory=dict)
    """Its columns as Python values, empty for an invalid record."""
    table: str = "source"
    """The input to which it is sent, by its table of settings."""

    @property
    def late(self) -> bool:
        """Return whether the event is late."""
        return self.kind == "late"


@dataclass(frozen=True)
class GeneratedEvents:
    """All events in the order of sending; `tail` is sent after the job has read `main`."""

    main: list[Event]
    tail: list[Event]
    tables: tuple[str, ...] = ("source",)
    """The inputs, by their tables of settings."""

    @property
    def all(self) -> list[Event]:
        """Return the events of both parts."""
        return self.main + self.tail

    @property
    def valid(self) -> list[list[list[Mapping[str, Value]]]]:
        """Return the values of the valid events of each input, in each part.

        The empty part is the batch without data that comes before the tail.
        """
        parts: tuple[list[Event], ...] = (self.main, [], self.tail)
        return [[_valid(part, table) for part in parts] for table in self.tables]


def _valid(events: Sequence[Event], table: str) -> list[Mapping[str, Value]]:
    return [event.values for event in events if event.table == table and not event.reason]


def generate(spec: EventSpec, total: int = 50_000, seed: int = 7) -> GeneratedEvents:
    """Return about `total` events for a project."""
    events: list[Event] = []
    for table, own in spec.inputs.items():
        maker = _Maker(own, Random(seed if table == "source" else f"{seed} {table}"))
        cut = maker.at(maker.steps - TAIL_STEPS)
        number = total if table == "source" else max(total // FEWER, FEWER)
        events += [replace(event, table=table) for event in _events(maker, number, cut)]
    events.sort(key=lambda event: event.sent)
    main = [event for event in events if event.sent < cut]
    return GeneratedEvents(main, events[len(main) :], tuple(spec.inputs))


def _events(maker: "_Maker", total: int, cut: datetime) -> list[Event]:
    """Return the events of one input; late ones follow after the cut."""
    moments = maker.moments(total)
    events = [event for moment in moments for event in maker.valid(moment)]
    for fault in FAULTS:
        if fault.applies(maker.spec):
            moments_of_faults = maker.rng.sample(moments, max(4, total * fault.per_100k // 100_000))
            events += [maker.with_fault(moment, fault) for moment in moments_of_faults]
    if maker.spec.drops_late:
        events += [maker.late(cut) for _ in range(max(20, total // 250))]
    return events


def sample(
    spec: EventSpec, moments: Iterable[datetime], *, first: int = 0, faulty: float = 0.02
) -> Iterator[Event]:
    """Yield events of these moments, for a job that is watched by hand.

    Args:
        spec: the event spec of all inputs.
        moments: the event times, in their order.
        first: the number of the first event; another number gives other ids and values.
        faulty: the part of the events that are invalid or late.
    """
    rng = Random(first)
    makers = {table: _Maker(own, rng, first) for table, own in spec.inputs.items()}
    for moment in moments:
        for table, maker in makers.items():
            if table == "source" or rng.random() < RIGHT:
                for event in maker.any(moment, faulty):
                    yield replace(event, table=table)


def zip_batches(events: Sequence[Event], delay: timedelta) -> Iterator[list[Event]]:
    """Yield slices to send one after another, each acknowledged before the next.

    If one partition were far ahead, it would advance the watermark past the events of another.
    A slice spans a quarter of the delay, and the disorder half: their sum is below the delay.
    """
    part: list[Event] = []
    for event in events:
        if part and event.sent - part[0].sent > delay / 4:
            yield part
            part = []
        part.append(event)
    if part:
        yield part


class _Maker:
    """A maker of single events with one random generator."""

    def __init__(self, spec: EventSpec, rng: Random, first: int = 0) -> None:
        self.spec, self.rng = spec, rng
        self.steps = max(STEPS, 4 * math.ceil(spec.delay / spec.step))
        self._keys = self._key_values()
        roles = {spec.time, spec.id, *spec.keys}
        grouping = [name for name in spec.result_key if name in spec.columns and name not in roles]
        self._groups = {name: self._values_of(name) for name in grouping}
        self._made = first

    def at(self, steps: float) -> datetime:
        """Return the time so many steps after the start."""
        moment = START + steps * self.spec.step
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)

    def moments(self, total: int) -> list[datetime]:
        """Return event times: more by day, most in the burst and in the evening."""
        weights = [_load(number / self.steps) for number in range(self.steps)]
        numbers = self.rng.choices(range(self.steps), weights, k=total)
        return sorted(self.at(number + self.rng.random()) for number in numbers)

    def valid(self, moment: datetime) -> list[Event]:
        """Return a valid event, sometimes with a duplicate."""
        values = self._values(moment)
        first = self._event(values, self._sent(moment), "plain")
        if not self.spec.duplicates or self.rng.random() > SENT_TWICE:
            return [first]
        return [first, self._event(values, self._sent(moment), "duplicate")]

    def any(self, moment: datetime, faulty: float) -> list[Event]:
        """Return a valid event, or with this probability an invalid or a late one."""
        if self.rng.random() >= faulty:
            return self.valid(moment)
        faults = [fault for fault in FAULTS if fault.applies(self.spec)]
        choice = self.rng.randrange(len(faults) + self.spec.drops_late)
        if choice < len(faults):
            return [self.with_fault(moment, faults[choice])]
        return [self._event(self._values(moment - LATE * self.spec.delay), moment, "late")]

    def with_fault(self, moment: datetime, fault: Fault) -> Event:
        """Return an event with a fault."""
        values = self._values(moment)
        raw = fault.apply(values, self.spec, self.rng)
        kept = {} if fault.reason else values
        return Event(raw, self._key(values), self._sent(moment), fault.kind, fault.reason, kept)

    def late(self, cut: datetime) -> Event:
        """Return an event of the offline client, sent in the tail."""
        happened = self.at(self.rng.uniform(*OFFLINE) * self.steps)
        sent = cut + self.rng.uniform(0.5, TAIL_STEPS - 2) * self.spec.step
        return self._event(self._values(happened), sent, "late")

    def _event(self, values: dict[str, Value], sent: datetime, kind: str) -> Event:
        return Event(to_raw(values, self.spec), self._key(values), sent, kind, None, values)

    def _key(self, values: Mapping[str, Value]) -> bytes | None:
        found = [str(values[name]) for name in self.spec.keys]
        return ", ".join(found).encode() if found else None

    def _sent(self, moment: datetime) -> datetime:
        """Return the time of sending: up to half of the watermark's delay later."""
        return moment + min(self.rng.expovariate(8), 0.5) * self.spec.delay

    def _values(self, moment: datetime) -> dict[str, Value]:
        self._made += 1
        spec, rng = self.spec, self.rng
        values = {name: self._optional(name, moment) for name in spec.columns}
        if spec.id:
            values[spec.id] = self._identity(spec.columns[spec.id])
        if spec.key:
            weights = [self._weight(number, moment) for number in range(len(self._keys))]
            values |= rng.choices(self._keys, weights)[0]
        values[spec.time] = moment
        return values | self._structs(values, moment)

    def _structs(self, values: Mapping[str, Value], moment: datetime) -> dict[str, Value]:
        """Return the structs with fields that are columns: each has the values of these columns."""
        columns, paths = self.spec.columns, self.spec.paths
        names = dict.fromkeys(path[0] for path in paths.values())
        structs = {name: values[name] or value(columns[name], self.rng, moment) for name in names}
        return to_record({**structs, **{name: values[name] for name in paths}}, paths)

    def _weight(self, number: int, moment: datetime) -> int:
        """Return the weight of a key at a time; it is 0 in the pause of a key."""
        turn = number * (BUSY + QUIET) / len(self._keys)
        into = ((moment - START) / self.spec.step + turn) % (BUSY + QUIET)
        return 0 if self.spec.pauses and into > BUSY else KEY_WEIGHTS[number]

    def _optional(self, name: str, moment: datetime) -> Value:
        if self.rng.random() < NULL:
            return None
        if name in self._groups:
            return self.rng.choice(self._groups[name])
        return value(self.spec.columns[name], self.rng, moment)

    def _identity(self, kind: str) -> Value:
        if kind == "STRING":
            return f"e-{self._made:06d}"
        return self._made - 2**30

    def _key_values(self) -> list[dict[str, Value]]:
        """Return the values that the columns of each key have."""
        columns = {name: self._values_of(name) for name in self.spec.keys}
        found: list[dict[str, Value]] = []
        for key in range(len(KEY_WEIGHTS)):
            parts = zip(columns.items(), key_parts(key, len(columns)), strict=True)
            one = {name: values[part % len(values)] for (name, values), part in parts}
            found += [one] if one not in found else []
        return found

    def _values_of(self, name: str) -> list[Value]:
        """Return some values of a column that groups the result, all different."""
        kind = self.spec.columns[name]
        if kind == "STRING":
            return list(next(words for part, words in KEY_WORDS.items() if part in name.lower()))
        found: list[Value] = []
        for _ in range(200):
            one = value(kind, self.rng, START)
            found += [one] if one not in found else []
        return found[: len(KEY_WEIGHTS)]


def _load(part: float) -> float:
    """Return the load at a part of the whole time, from 0 (the start) to 1 (the end)."""
    waves = ((0.22, 0.10, 0.7), (0.52, 0.016, 2.2), (0.74, 0.13, 1.5))
    bells = (high * math.exp(-(((part - middle) / wide) ** 2)) for middle, wide, high in waves)
    return 0.25 + sum(bells)
