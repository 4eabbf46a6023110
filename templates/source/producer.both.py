"""The source of the job on this machine: two inputs of one kind."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

from stream_devkit.events.generate import Event
from stream_devkit.servers.local import Place, Servers

{% if job.source.typed %}
from {{ cookiecutter.__package }} import schema
{% endif %}
from {{ cookiecutter.__package }}.settings import Settings

from dev import one_input


class EventProducer:
    """One input for each table of settings; it records the source reference of each event."""

    PLACE = f"{one_input.EventProducer.PLACE} for each input"
    TYPED = one_input.EventProducer.TYPED
    """Whether the records have typed columns, so that none can be malformed."""

    def __init__(self, servers: Servers, folder: Path, name: str) -> None:
        self._inputs = {
            "source": one_input.EventProducer(servers, folder, name),
{% if job.source.typed %}
            "right": one_input.EventProducer(servers, folder, f"{name}-right", schema.RIGHT.sent),
{% else %}
            "right": one_input.EventProducer(servers, folder, f"{name}-right"),
{% endif %}
        }
        self.settings = {
            _in(table, key): value
            for table, one in self._inputs.items()
            for key, value in one.settings.items()
        }
        """The settings with which the job reads these inputs."""
        self.origins: list[str] = []
        """The source reference of each event, in the order of sending."""

    @staticmethod
    def slices(events: Sequence[Event], delay: timedelta) -> Iterator[Sequence[Event]]:
        """Yield the parts that are sent one after another."""
        return one_input.EventProducer.slices(events, delay)

    @staticmethod
    def batches_of(rows: int) -> dict[str, str]:
        """Return settings with which a batch has at most `rows` records of each input."""
        limit = one_input.EventProducer.batches_of(rows)
        return {_in(table, key): to for table in ("source", "right") for key, to in limit.items()}

    def send(self, events: Sequence[Event]) -> None:
        """Send each event to its input."""
        landed: dict[int, str] = {}
        for table, one in self._inputs.items():
            numbers = [number for number, event in enumerate(events) if event.table == table]
            if numbers:
                before = len(one.origins)
                one.send([events[number] for number in numbers])
                landed |= zip(numbers, one.origins[before:], strict=True)
        self.origins += [landed[number] for number in range(len(events))]


def place(settings: Settings) -> Place:
    """Return where these settings have the inputs; the second one has a longer name."""
    return one_input.place(settings)


def _in(table: str, key: str) -> str:
    return key.replace("source", table, 1)
