

class Seen:
    """The ids that have come, and until when each is remembered."""

    def __init__(self, delay: timedelta) -> None:
        self.late = self.repeats = 0
        self.watermark = EPOCH
        self._delay = delay
        self._late_until = EPOCH
        self._until: dict[Any, datetime] = {}

    @property
    def remembered(self) -> int:
        """How many ids there are still, once a batch without data has followed."""
        return sum(until > self.watermark for until in self._until.values())

    def fresh(self, batch: Sequence[Event]) -> list[Event]:
        """The events that are neither late nor the repeat of one that is remembered."""
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


{% include "expected/milliseconds.py" %}
