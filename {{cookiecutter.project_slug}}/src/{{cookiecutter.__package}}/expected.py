{% set job = cookiecutter | stream_plan %}
{% set kinds = {"tumbling": "windows", "sliding": "windows", "session": "session"} %}
{% set kind = kinds.get(cookiecutter.window, "joined" if job.right else "custom" if job.custom else "none") %}
{% include "expected/" ~ kind ~ ".py" %}
{% if job.lookup %}


def expected(batches: Iterable[Sequence[Event]], settings: Settings) -> Expected:
    """Return the result of `unlabelled` with the label of each row's key."""
    return labelled(unlabelled(batches, settings), settings)
{% endif %}
