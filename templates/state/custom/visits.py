{% set visit = (cookiecutter | stream_plan).visit %}
"""The business logic of the state: assigns each event to a visit of its key.

This module does not use Spark: visit_state.py passes the events of a key in event-time order, and
stores the visit between calls. Times are microseconds since 1970, as in Spark.
"""

from dataclasses import dataclass

# The columns that are added to an event.
START = "{{ visit.start }}"
NUMBER = "{{ visit.number }}"
{% if visit.mean %}
MEAN = {{ visit.mean | stream_quoted }}
RECENT = 5
"""The number of last measures of the visit in the mean."""
{% endif %}


@dataclass(frozen=True)
class Visit:
    """A series of events of one key without a long pause, up to one of them."""

    start: int
    last: int
    events: int
{% if visit.mean %}
    recent: tuple[float, ...]

    @property
    def mean(self) -> float | None:
        """The mean of the last measures, None if there is none yet."""
        return sum(self.recent) / len(self.recent) if self.recent else None
{% endif %}


class Visits:
    """The visits of one key; `current` is the last one, None before the first."""

    def __init__(self, idle: int, current: Visit | None = None) -> None:
        self.current = current
        self._idle = idle

{% if visit.mean %}
    def add(self, time: int, measure: float | None) -> Visit:
{% else %}
    def add(self, time: int) -> Visit:
{% endif %}
        """Return the visit after adding an event, which is not earlier than the last one."""
        before = self.current
        if before is None or time > self.end(before):
            before = Visit(start=time, last=time, events=0{{ ", recent=()" if visit.mean }})
{% if visit.mean %}
        recent = before.recent if measure is None else (*before.recent, measure)[-RECENT:]
        self.current = Visit(before.start, time, before.events + 1, recent)
{% else %}
        self.current = Visit(before.start, time, before.events + 1)
{% endif %}
        return self.current

    def end(self, visit: Visit) -> int:
        """Return the latest time of a next event in the visit."""
        return visit.last + self._idle

    def forget(self, until: int) -> None:
        """Remove the current visit if no event after this time can belong to it."""
        if self.current and self.end(self.current) <= until:
            self.current = None
