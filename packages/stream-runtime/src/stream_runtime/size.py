"""How many records a second a job can read, from the cost of its own batches: `doctor --size`."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

LASTING = 0.99
"""The weight of a batch, as a part of that of the next one: about the last 100 batches count."""
LEAST_BATCHES = 5
LEAST_SPREAD = 0.1
"""The standard deviation of the batches' sizes, as a part of their mean, from which on their time
shows which part of it does not depend on the size."""
HIGH_LOAD, GOOD_LOAD = 0.7, 0.5
"""A load above the first leaves little for peaks; more cores should bring it to the second."""
HOUR = 3600


@dataclass(frozen=True)
class Costs:
    """Weighted sums over batches with records: their number, records and seconds."""

    batches: float = 0
    records: float = 0
    seconds: float = 0
    records_squared: float = 0
    records_by_seconds: float = 0

    def add(self, records: int, seconds: float) -> "Costs":
        """Return the costs with one more batch; each batch before has a little less weight."""
        return Costs(
            LASTING * self.batches + 1,
            LASTING * self.records + records,
            LASTING * self.seconds + seconds,
            LASTING * self.records_squared + records * records,
            LASTING * self.records_by_seconds + records * seconds,
        )

    def fit(self) -> "Cost | None":
        """Return the cost of a batch, None if there were too few."""
        if self.batches < LEAST_BATCHES * LASTING**LEAST_BATCHES:
            return None
        records, seconds = self.records / self.batches, self.seconds / self.batches
        spread = self.records_squared / self.batches - records**2
        if spread > (LEAST_SPREAD * records) ** 2:
            each = (self.records_by_seconds / self.batches - records * seconds) / spread
            fixed = seconds - each * records
            if each > 0 and fixed >= 0:
                return Cost(fixed, each)
        # The sizes are too similar, or something else decides the time.
        return Cost(0, seconds / records)


@dataclass(frozen=True)
class Cost:
    """The time of a batch: seconds that each one takes, and seconds for each record."""

    fixed: float
    each: float

    def of(self, records: float) -> float:
        """Return the seconds of a batch."""
        return self.fixed + self.each * records


@dataclass(frozen=True)
class Size:
    """What a rate of records asks of a job.

    Args:
        rate: the records in a second.
        cost: the time of a batch.
        interval: the seconds from one start of a batch to the next, 0 for a scheduled job.
        limit: the largest number of records in a batch, None if there is none.
    """

    rate: int
    cost: Cost
    interval: float
    limit: int | None = None

    @property
    def capacity(self) -> float:
        """The largest number of records in a second, with a backlog."""
        if self.limit is None:
            return 1 / self.cost.each
        return self.limit / max(self.cost.of(self.limit), self.interval)

    @property
    def load(self) -> float:
        """The rate as a part of the capacity."""
        return self.rate / self.capacity

    @property
    def fits(self) -> bool:
        """Whether there is something left for peaks and for a backlog."""
        return self.load <= HIGH_LOAD

    def describe(self) -> Iterator[str]:
        """Yield what the rate means for this job, and what to change if it is too much."""
        yield (
            f"{self.rate:,} records/s are {self.load:.0%} of what this job can read: a batch takes "
            f"{self.cost.fixed:.2f} s, and {self.cost.each * 1e6:,.1f} µs for each record"
        )
        minutes = ceil(self.rate * HOUR / self.capacity / 60)
        if not self.interval:
            yield f"a run every hour reads {self.rate * HOUR:,} records, in {minutes:,} min"
        else:
            records = ceil(self.rate * self.interval)
            taken = f"{self.cost.of(records):.1f} s"
            yield f"every {self.interval:g} s: a batch of {records:,} records, in {taken}"
            if self.load < 1:
                minutes = ceil(minutes / (1 - self.load))
                yield f"after an hour without the job, it has caught up in {minutes:,} min"
        if not self.fits:
            yield self._advise()

    def _advise(self) -> str:
        """Return what to change: the limit of a batch if that is enough, otherwise the cores."""
        room = GOOD_LOAD / self.rate - self.cost.each
        if self.limit is not None and room > 0:
            wanted = max(self.rate * self.interval / GOOD_LOAD, self.cost.fixed / room)
            records = ceil(wanted / 1000) * 1000
            return f"set source.max_offsets_per_trigger to {records:,}: it is {self.limit:,}"
        times = self.rate * self.cost.each / GOOD_LOAD
        return (
            f"it needs about {times:.1f} times its cores, each with a partition of the source and "
            "of the state"
        )
