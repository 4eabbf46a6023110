{% set job = cookiecutter | stream_plan %}
{% set has_interval = job.trigger == "processing_time" %}
"""Every setting of the job: one class for each table of conf/*.toml."""

{% if job.watermark or has_interval %}
from .runtime.config import Duration, Table
{% endif %}
from .runtime.settings import RuntimeSettings
from .sink import Sink
from .source import Source
{% if job.windowed %}
from .window import Window
{% endif %}
{% if job.watermark %}


class Watermark(Table):
    """The table `[watermark]`."""

    delay: Duration = "10 minutes"
{% if job.drops_late %}
    """How long a window waits for events that come late; later ones are dropped."""
{% else %}
    """How far the watermark is behind the newest event; in complete mode it drops nothing."""
{% endif %}
{% endif %}
{% if has_interval %}


class Trigger(Table):
    """The table `[trigger]`."""

    interval: Duration = "10 seconds"
    """The time from the start of one batch to that of the next."""
{% endif %}


class Settings(RuntimeSettings):
    """All tables; those that every stream has stand in runtime/settings.py."""

    source: Source
{% if job.watermark %}
    watermark: Watermark = Watermark()
{% endif %}
{% if job.windowed %}
    window: Window = Window()
{% endif %}
    sink: Sink
{% if has_interval %}
    trigger: Trigger = Trigger()
{% endif %}
