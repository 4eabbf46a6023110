

class Seen:
    """The retained ids, each with the time until which it is retained."""

    def __init__(self, delay: timedelta) -> None:
        self.late = self.repeats = 0
        self.watermark = EPOCH
        self._delay = delay
        self._late_until = EPOCH
        self._until: dict[Any, datetime] = {}

    @property
    def remembered(self) -> int:
        """The number of retained ids after a batch without data."""
        return sum(until > self.watermark for until in self._until.values())

    def fresh(self, batch: Sequence[Event]) -> list[Event]:
        """Return the events of a batch that are neither late nor duplicates."""
        passed = [event for event in batch if self._is_fresh(event)]
        self._until = {key: end for key, end in self._until.items() if end > self.watermark}
        newest = max((event[schema.EVENT_TIME] for event in batch), default=EPOCH)
        self._late_until = self.watermark
        self.watermark = max(self.watermark, _ms(newest) - self._delay)
        return passed

    def _is_fresh(self, event: Event) -> bool:
        if event[schema.EVENT_TIME] <= self._late_until:
            self.late += 1
            return False
        if event[schema.EVENT_ID] in self._until:
            self.repeats += 1
            return False
        self._until[event[schema.EVENT_ID]] = event[schema.EVENT_TIME] + self._delay
        return True


{% include "shared/milliseconds.py" %}
