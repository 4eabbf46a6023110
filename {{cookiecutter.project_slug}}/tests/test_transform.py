{% set job = cookiecutter | stream_plan %}
{% set row_key = "key_of(row)" if job.several_keys else "row[KEY]" %}
{% if job.custom %}
{% include "state/custom/test_transform.py" %}
{% else %}
"""The transform on batches, without a stream."""

from random import Random

from stream_devkit.reconciliation import verdict
from stream_devkit.rows import typed_rows
{% if job.windowed %}
from stream_devkit.samples import START
{% endif %}

{% if job.lookup and not job.windowed %}
from {{ cookiecutter.__package }}.lookup import LABEL
{% endif %}
{% if job.windowed %}
from {{ cookiecutter.__package }}.schema import {{ "KEY, " if job.roles.key }}MEASURES
{% else %}
from {{ cookiecutter.__package }}.schema import COLUMNS, EVENT{{ ", RIGHT_NAMES" if job.right }}
{% endif %}

{% if job.windowed %}
from tests.events import batch_result, event, expected_of{{ ", key" if job.key_columns }}{{ ", key_of" if job.several_keys }}
{% else %}
from tests.events import batch_result, event, expected_of
{% endif %}


def transformed(spark, settings, events):
    """Return the result rows of a batch of events."""
    return typed_rows(batch_result(spark, settings, events))


{% include "window/" ~ cookiecutter.window ~ "/test_transform.py" %}


def test_random_events_match_the_oracle(spark, settings):
    """The result of 300 random events is that of the test oracle."""
    random = Random(1)  # noqa: S311 - a seed, so that a failure repeats
    events = [
        event(random.uniform(0, 60), key=number % 3, number=number, measure=random.randrange(100))
        for number in range(300)
    ]

    wanted = expected_of([events], settings)

    assert verdict(transformed(spark, settings, events), [*wanted.rows, *wanted.pending]) == "exact"
{% if job.windowed %}


def _minute(time):
    return (time - START).total_seconds() / 60
{% endif %}
{% endif %}
