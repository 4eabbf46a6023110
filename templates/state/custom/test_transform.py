{% set mean = job.visit.mean %}
"""The business logic of the state, without Spark."""

import subprocess
import sys

from {{ cookiecutter.__package }}.visits import Visit, Visits

MINUTE = 60_000_000
IDLE = 30 * MINUTE


def numbers(*minutes, idle=IDLE):
    """Return the start of the visit, in minutes, and the number of each event."""
    visits = Visits(idle)
{% if mean %}
    found = [visits.add(minute * MINUTE, None) for minute in minutes]
{% else %}
    found = [visits.add(minute * MINUTE) for minute in minutes]
{% endif %}
    return [(visit.start // MINUTE, visit.events) for visit in found]


def test_events_are_numbered_in_their_visit():
    """A pause as long as `idle` belongs to the visit; a longer one ends it."""
    assert numbers(0, 1, 1, 31, 62) == [(0, 1), (0, 2), (0, 3), (0, 4), (62, 1)]
{% if mean %}


def test_the_mean_is_of_the_last_five_measures():
    """An event without a measure is numbered and does not change the mean."""
    visits = Visits(IDLE)

    means = [visits.add(number, measure).mean for number, measure in enumerate([None, 1, 2, None])]
    later = [visits.add(10 + number, 7).mean for number in range(5)]

    assert means == [None, 1, 1.5, 1.5]
    assert later[-2:] == [(2 + 4 * 7) / 5, 7]


def test_a_new_visit_has_no_measures():
    """The measures of one visit do not count in the next."""
    visits = Visits(IDLE)
    visits.add(0, 5)

    assert visits.add(IDLE + 1, None) == Visit(IDLE + 1, IDLE + 1, 1, ())
{% endif %}


def test_a_visit_is_retained_until_no_event_can_join_it():
    """The state keeps a visit until every later event begins a new one."""
{% if mean %}
    visits = Visits(IDLE, Visit(start=0, last=MINUTE, events=2, recent=()))
{% else %}
    visits = Visits(IDLE, Visit(start=0, last=MINUTE, events=2))
{% endif %}

    visits.forget(IDLE + MINUTE - 1)
    before = visits.current
    visits.forget(IDLE + MINUTE)

    assert before is not None
    assert visits.current is None


def test_it_needs_no_spark():
    """The module imports no Spark, so it can be tested without a session."""
    code = "import sys, {{ cookiecutter.__package }}.visits; sys.exit('pyspark' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
