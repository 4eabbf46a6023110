{% set visit = (cookiecutter | stream_plan).visit %}
"""The business logic of the state: which visit of its key an event belongs to.

Nothing in here knows Spark: visit_state.py brings the events of a key, in the order of their
time, and keeps the visit in between. Times are microseconds since 1970, as Spark has them.
"""

from dataclasses import dataclass

# The columns that an event gets.
START = "{{ visit.start }}"
NUMBER = "{{ visit.number }}"
{% if visit.mean %}
MEAN = {{ visit.mean | stream_quoted }}
RECENT = 5
"""So many measures, the last ones of the visit, are in the mean."""
{% endif %}


@dataclass(frozen=True)
class Visit:
    """Events of one key with no long pause between them, up to one of them."""

    start: int
    last: int
    events: int
{% if visit.mean %}
    recent: tuple[float, ...]

    @property
    def mean(self) -> float | None:
        """The mean of the last measures, None where there is none yet."""
        return sum(self.recent) / len(self.recent) if self.recent else None
{% endif %}


class Visits:
    """The visits of one key: `current` is the last one, None before the first."""

    def __init__(self, idle: int, current: Visit | None = None) -> None:
        self.current = current
        self._idle = idle

{% if visit.mean %}
    def add(self, time: int, measure: float | None) -> Visit:
{% else %}
    def add(self, time: int) -> Visit:
{% endif %}
        """The visit with one more event, which happened after all others or with the last."""
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
        """Until when an event belongs to a visit."""
        return visit.last + self._idle

    def forget(self, until: int) -> None:
        """Forget the current visit if no event after this time can belong to it."""
        if self.current and self.end(self.current) <= until:
            self.current = None
