{% set job = cookiecutter | stream_plan %}
{% set real_time = job.trigger == "real_time" %}
"""The settings of the job: one class per table of conf/*.toml."""

{% if job.right %}
from typing import ClassVar

{% elif job.custom %}
from typing import Literal

{% endif %}
{% if real_time %}
from datetime import timedelta

from pydantic import field_validator
{% endif %}
{% if job.custom %}
from stream_runtime import session
{% endif %}
{% if real_time %}
from stream_runtime.config import Duration, Table, to_timedelta
{% elif job.interval and not job.low_latency %}
from stream_runtime.config import {{ "Duration, " if job.watermark }}DurationOrZero, Table
{% elif job.watermark or job.interval %}
from stream_runtime.config import Duration, Table
{% endif %}
from stream_runtime.settings import RuntimeSettings

{% if job.right %}
from .join import Join
{% endif %}
{% if job.lookup %}
from .lookup import Lookup
{% endif %}
{% if job.right and job.source.typed %}
from .schema import RIGHT
{% endif %}
from .sink import Sink
from .source import Source
{% if job.custom %}
from .visit_state import VisitSettings, layout
{% endif %}
{% if job.windowed %}
from .window import Window
{% endif %}
{% if job.right %}


class Right(Source):
    """The table `[right]`: the second input, of the same kind as the first."""

    NAME: ClassVar = "right"
{% if job.source.typed %}
    COLUMNS: ClassVar = RIGHT.sent
{% endif %}
{% endif %}
{% if job.watermark %}


class Watermark(Table):
    """The table `[watermark]`."""

    delay: Duration = "10 minutes"
{% if job.right %}
    """How far the watermark is behind the newest event of the slower input."""
{% elif job.deduplicates %}
    """How far an event can be behind the newest one, and how long ids are retained.

    Events behind the watermark are dropped.
    """
{% elif job.custom %}
    """How far an event can be behind the newest one, and how long all events are pending.

    Events behind the watermark are dropped.
    """
{% elif job.drops_late %}
    """How long a window waits for out-of-order events; events of a closed one are dropped."""
{% else %}
    """How far the watermark is behind the newest event; in complete mode it drops nothing."""
{% endif %}
{% endif %}
{% if job.interval %}


class Trigger(Table):
    """The table `[trigger]`."""

    interval: {{ "Duration" if job.low_latency else "DurationOrZero" }} = "{{ job.interval.default }}"
{% if real_time %}
    """How long a batch lasts. Rows are written immediately, offsets when the batch ends."""

    @field_validator("interval")
    @classmethod
    def _long_enough(cls, interval: str) -> str:
        if to_timedelta(interval) < timedelta(seconds={{ job.interval.shortest }}):
            message = "Spark's real-time batches last {{ job.interval.shortest }} seconds or more"
            raise ValueError(message)
        return interval
{% elif job.low_latency %}
    """The interval of the checkpoint's offsets; rows are written immediately."""
{% else %}
    """The time from the start of a batch to the start of the next one; with `0 seconds` the next
    one starts immediately."""
{% endif %}
{% endif %}
{% if job.custom %}


class State(session.State):
    """The table `[state]`: custom state needs RocksDB."""

    store: Literal["rocksdb"] = "rocksdb"
{% endif %}


class Settings(RuntimeSettings):
    """All tables; stream_runtime/settings.py has those of every job."""

    source: Source
{% if job.right %}
    right: Right
    join: Join = Join()
{% endif %}
{% if job.watermark %}
    watermark: Watermark = Watermark()
{% endif %}
{% if job.windowed %}
    window: Window = Window()
{% endif %}
{% if job.custom %}
    visits: VisitSettings = VisitSettings()
    state: State = State()
{% endif %}
{% if job.lookup %}
    lookup: Lookup
{% endif %}
    sink: Sink
{% if job.interval %}
    trigger: Trigger = Trigger()
{% endif %}
{% if job.drops_late %}

    def warnings(self) -> list[str]:
        """Return what is allowed but can go wrong, each with what to do."""
        return self.events.warnings(self.watermark.delay)
{% endif %}
{% if job.custom %}

    def pinned_facts(self) -> dict[str, str]:
        """Return the layout and settings of the state, which the query plan does not show."""
        return layout(self.visits)
{% endif %}
