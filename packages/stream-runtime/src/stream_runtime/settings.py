"""The settings that every stream has; the pipeline's own settings.py adds its tables."""

from collections.abc import Sequence
from functools import reduce
from operator import or_
from typing import Self

from pydantic import model_validator
from pyspark.sql import SparkSession

from .checkpoint import Checkpoint
from .config import SettingError, Table, is_local
from .lifecycle import Lifecycle
from .logs import Logging
from .places import find_overlap, list_places
from .quarantine import Quarantine
from .records import Events
from .reporting import Metrics
from .session import Session, State
from .storage import require_file_system
from .systems import StreamSink, StreamSource, System


class RuntimeSettings(Table):
    """The tables of conf/*.toml that the runtime reads."""

    source: StreamSource
    sink: StreamSink
    checkpoint: Checkpoint
    quarantine: Quarantine
    events: Events = Events()
    state: State = State()
    metrics: Metrics = Metrics()
    logging: Logging = Logging()
    lifecycle: Lifecycle = Lifecycle()
    session: Session = Session()

    @model_validator(mode="after")
    def _keep_places_apart(self) -> Self:
        if overlap := find_overlap(self):
            raise SettingError(*overlap)
        return self

    @model_validator(mode="after")
    def _can_find_late_events(self) -> Self:
        if self.quarantine.late and not self.source.REPLAYABLE:
            message = "a batch of this source cannot be read a second time: set it to false"
            raise SettingError(("quarantine", "late"), message)
        return self

    @property
    def has_lock(self) -> bool:
        """Whether a driver locks the checkpoint; elsewhere the platform excludes a second one."""
        return self.session.platform == "own" and is_local(self.checkpoint.root)

    def systems(self) -> list[System]:
        """Return every system of the job: its inputs, its sink, and other tables."""
        values = (getattr(self, name) for name in type(self).model_fields)
        return [value for value in values if isinstance(value, System)]

    def spark_conf(self) -> dict[str, str]:
        """Return the Spark settings that the systems need."""
        return reduce(or_, (system.spark_conf() for system in self.systems()))

    def sources(self) -> list[StreamSource]:
        """Return the source of each input."""
        return [system for system in self.systems() if isinstance(system, StreamSource)]

    def without_files(self, files: Sequence[str]) -> Self:
        """Return these settings with sources that leave some files out."""
        values = {name: getattr(self, name) for name in type(self).model_fields}
        sources = {
            name: value.without_files(files)
            for name, value in values.items()
            if isinstance(value, StreamSource)
        }
        return self.model_copy(update=sources)

    def source_id(self) -> str:
        """Return the text that names the inputs: the offsets in a checkpoint belong to it."""
        return ", ".join(source.source_id() for source in self.sources())

    def check(self) -> None:
        """Raise SetupError if a system cannot be used."""
        for system in self.systems():
            system.check()

    def check_file_systems(self, spark: SparkSession) -> None:
        """Raise SetupError if Spark cannot open the scheme of a folder, such as s3a."""
        if self.session.platform == "own":
            for key, place in list_places(self):
                require_file_system(".".join(key), place, spark)

    def check_data(self, spark: SparkSession) -> None:
        """Raise SetupError if the data of a system do not fit."""
        for system in self.systems():
            system.check_data(spark)

    def warnings(self) -> list[str]:
        """Return what is allowed but can go wrong, each with what to do."""
        return []

    def pinned_facts(self) -> dict[str, str]:
        """Return named facts that a checkpoint pins and that the query plan does not show."""
        return {}
