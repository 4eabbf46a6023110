{% set job = cookiecutter | stream_plan %}
{% include job.oracle_in ~ "/oracle.py" %}
{% if job.lookup %}


def expected(batches: Iterable[Sequence[Event]], settings: Settings) -> Expected:
    """Return the result of `unlabelled` with the label of each row's key."""
    return labelled(unlabelled(batches, settings), settings)
{% endif %}
