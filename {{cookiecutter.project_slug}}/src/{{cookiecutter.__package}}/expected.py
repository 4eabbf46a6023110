{% set kind = {"tumbling": "windows", "sliding": "windows"}.get(cookiecutter.window, cookiecutter.window) %}
{% set kind = "custom" if cookiecutter.state == "custom" else kind %}
{% include "expected/" ~ kind ~ ".py" %}
{% if (cookiecutter | stream_plan).lookup %}


def expected(batches: Iterable[Sequence[Event]], settings: Settings) -> Expected:
    """As `unlabelled`; each row has what its key stands for in the reference table."""
    return labelled(unlabelled(batches, settings), settings)
{% endif %}
