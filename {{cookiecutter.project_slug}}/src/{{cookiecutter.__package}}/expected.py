{% set job = cookiecutter | stream_plan %}
{% set kinds = {"tumbling": "window", "sliding": "window", "session": "window/session"} %}
{% set kind = kinds.get(cookiecutter.window, "join" if job.right else "state/custom" if job.custom else "window/none") %}
{% include kind ~ "/expected.py" %}
{% if job.lookup %}


def expected(batches: Iterable[Sequence[Event]], settings: Settings) -> Expected:
    """Return the result of `unlabelled` with the label of each row's key."""
    return labelled(unlabelled(batches, settings), settings)
{% endif %}
