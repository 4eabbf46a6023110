"""The transform on batches, without a stream."""

from random import Random

from stream_devkit.reconciliation import verdict
from stream_devkit.rows import typed_rows
from stream_devkit.samples import START

from clickstream_metrics.schema import KEY, MEASURES

from tests.events import batch_result, event, expected_of, key


def transformed(spark, settings, events):
    """Return the result rows of a batch of events."""
    return typed_rows(batch_result(spark, settings, events))


def test_windows_do_not_overlap(spark, settings):
    """A window includes its start and excludes its end; each key has its own windows."""
    events = [event(0, measure=1), event(4.99, measure=2), event(5, measure=4), event(5, key=1)]

    rows = transformed(spark, settings, events)

    found = {(_minute(row["window_start"]), row[KEY]): row["event_count"] for row in rows}
    assert found == {(0, key(0)): 2, (5, key(0)): 1, (5, key(1)): 1}
    assert all(_minute(row["window_end"]) == _minute(row["window_start"]) + 5 for row in rows)


def test_an_event_without_a_measure_is_counted(spark, settings):
    """A total ignores events without the measure; the count has all events."""
    events = [event(0, measure=3), event(1, measure=None)]

    (row,) = transformed(spark, settings, events)

    assert row["event_count"] == 2
    assert [row[f"total_{measure}"] for measure in MEASURES] == [3] * len(MEASURES)


def test_the_window_is_a_setting(spark, make_settings):
    """`window.duration` sets the length of the windows."""
    (row,) = transformed(spark, make_settings("window.duration=1 hour"), [event(0), event(59)])

    assert row["event_count"] == 2


def test_random_events_match_the_oracle(spark, settings):
    """The result of 300 random events is that of the test oracle."""
    random = Random(1)  # noqa: S311 - a seed, so that a failure repeats
    events = [
        event(random.uniform(0, 60), key=number % 3, number=number, measure=random.randrange(100))
        for number in range(300)
    ]

    wanted = expected_of([events], settings)

    assert verdict(transformed(spark, settings, events), [*wanted.rows, *wanted.pending]) == "exact"


def _minute(time):
    return (time - START).total_seconds() / 60
