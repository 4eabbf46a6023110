

def expected(batches: Iterable[Sequence[Event]], settings: Settings) -> Expected:
    """As `unlabelled`; each row has what its key stands for in the reference table."""
    found, labels = unlabelled(batches, settings), _labels(settings)
    rows, waiting = (
        [{**row, LABEL: labels.get(str(row[schema.KEY]))} for row in part]
        for part in (found.rows, found.waiting)
    )
    return replace(found, rows=rows, waiting=waiting)


def _labels(settings: Settings) -> dict[str, str]:
    if settings.lookup.format != "csv":
        message = "Without Spark the reference table is read from CSV: name a file with --lookup."
        raise ConfigError(message)
    with Path(settings.lookup.path).open(encoding="utf-8", newline="") as file:
        return {row[schema.KEY]: row[LABEL] for row in csv.DictReader(file)}
