"""The settings of the job: one class per table of conf/*.toml."""

from stream_runtime.config import Duration, DurationOrZero, Table
from stream_runtime.settings import RuntimeSettings

from .sink import Sink
from .source import Source
from .window import Window


class Watermark(Table):
    """The table `[watermark]`."""

    delay: Duration = "10 minutes"
    """How long a window waits for out-of-order events; events of a closed one are dropped."""


class Trigger(Table):
    """The table `[trigger]`."""

    interval: DurationOrZero = "10 seconds"
    """The time from the start of a batch to the start of the next one; with `0 seconds` the next
    one starts immediately."""


class Settings(RuntimeSettings):
    """All tables; stream_runtime/settings.py has those of every job."""

    source: Source
    watermark: Watermark = Watermark()
    window: Window = Window()
    sink: Sink
    trigger: Trigger = Trigger()

    def warnings(self) -> list[str]:
        """Return what is allowed but can go wrong, each with what to do."""
        return self.events.warnings(self.watermark.delay)
