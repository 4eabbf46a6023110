"""Every setting of the job: one class for each table of conf/*.toml."""

from .runtime.config import Duration, Table
from .runtime.settings import RuntimeSettings
from .sink import Sink
from .source import Source
from .window import Window


class Watermark(Table):
    """The table `[watermark]`."""

    delay: Duration = "10 minutes"
    """How long a window waits for events that come late; later ones are dropped."""


class Settings(RuntimeSettings):
    """All tables; those that every stream has stand in runtime/settings.py."""

    source: Source
    watermark: Watermark = Watermark()
    window: Window = Window()
    sink: Sink
