"""The options of the first start, `starting_*` of a source: later starts have no use for them."""

from collections.abc import Iterable, Mapping

from .spark_log import planned
from .storage import Storage
from .systems import StreamSource

PREFIX = "starting_"


def start_options(sources: Iterable[StreamSource], *, explicit: bool = False) -> dict[str, str]:
    """Return the start options by the name of the setting, or only those that somebody set."""
    return {
        f"{source.NAME}.{name}": str(getattr(source, name))
        for source in sources
        for name in (source.model_fields_set if explicit else type(source).model_fields)
        if name.startswith(PREFIX)
    }


def ignored_options(
    root: Storage, sources: Iterable[StreamSource], first: Mapping[str, str] | None
) -> str:
    """Return a warning about start options that are ignored, empty if there are none.

    Args:
        root: the checkpoint's root.
        sources: those of the job.
        first: the options of the first start, None if they are not known.
    """
    last = planned(root)
    if last is None or first is None:
        return ""
    given = start_options(sources, explicit=True)
    changed = [
        f"{name} = {value} (it was {first.get(name)})"
        for name, value in sorted(given.items())
        if value != first.get(name)
    ]
    if not changed:
        return ""
    return (
        f"{', '.join(changed)} has no effect: the checkpoint continues after batch {last}, and a "
        "start option applies to its first start only. Remove it; to read from another position, "
        "set checkpoint.root and the sink's target to new places "
        "(docs/runbook.md, 'A change that needs a new checkpoint')."
    )
