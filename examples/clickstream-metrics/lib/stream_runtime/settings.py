"""The settings that every stream has; the pipeline's own settings.py adds its tables."""

from .checkpoint import Checkpoint
from .config import Table
from .lifecycle import Lifecycle
from .progress import Metrics
from .quarantine import Quarantine
from .records import Events
from .session import Session, State


class RuntimeSettings(Table):
    """The tables of conf/*.toml that the runtime reads."""

    checkpoint: Checkpoint
    quarantine: Quarantine
    events: Events = Events()
    state: State = State()
    metrics: Metrics = Metrics()
    lifecycle: Lifecycle = Lifecycle()
    session: Session = Session()

    def bound(self) -> dict[str, str]:
        """Named facts that a checkpoint is bound to besides those that a query's plan shows."""
        return {}
