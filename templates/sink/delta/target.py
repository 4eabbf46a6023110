"""Where the job's result lands, on this machine: a Delta table, read without Spark."""

from pathlib import Path

from deltalake import DeltaTable, QueryBuilder

from dev.results import in_python
from dev.services import Services
from dev.verdict import Row


class Target:
    """A table in a folder."""

    PLACE = "a Delta table"

    def __init__(self, _: Services, folder: Path, name: str) -> None:
        self._path = folder / name
        self.settings = {"sink.path": str(self._path)}
        """What the job has to be told to find it."""

    def rows(self) -> list[Row]:
        """All rows of the table."""
        query = QueryBuilder().register("result", DeltaTable(str(self._path)))
        found = query.execute("SELECT * FROM result").read_all()
        names = found.schema.names
        cells = zip(*(list(found[name].to_pylist()) for name in names), strict=True)
        return [in_python(dict(zip(names, row, strict=True))) for row in cells]
