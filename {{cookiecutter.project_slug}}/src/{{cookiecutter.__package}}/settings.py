"""Every setting of the job: one class for each table of conf/*.toml."""

{% set job = cookiecutter | stream_plan %}
from .runtime.config import Duration, Table
from .runtime.settings import RuntimeSettings
from .sink import Sink
from .source import Source
{% if cookiecutter.window != "none" %}
from .window import Window
{% endif %}


class Watermark(Table):
    """The table `[watermark]`."""

    delay: Duration = "10 minutes"
    """How long a window waits for events that come late; later ones are dropped."""
{% if job.trigger == "processing_time" %}


class Trigger(Table):
    """The table `[trigger]`."""

    interval: Duration = "10 seconds"
    """The time from the start of one batch to that of the next."""
{% endif %}


class Settings(RuntimeSettings):
    """All tables; those that every stream has stand in runtime/settings.py."""

    source: Source
    watermark: Watermark = Watermark()
{% if cookiecutter.window != "none" %}
    window: Window = Window()
{% endif %}
    sink: Sink
{% if job.trigger == "processing_time" %}
    trigger: Trigger = Trigger()
{% endif %}
