{% set left = cookiecutter.join == "stream_left" %}
"""The stream join: matches in time, late events, no match, and an idle input."""

from random import Random

import pytest
from stream_devkit import oracle
from stream_devkit.rows import typed_rows
from stream_devkit.samples import START, make_record
from stream_runtime.names import quote
from stream_runtime.records import select_valid

from {{ cookiecutter.__package }} import schema
from {{ cookiecutter.__package }}.join import join
from {{ cookiecutter.__package }}.schema import EVENT, RIGHT, RIGHT_NAMES

from tests.events import event, right_event
from tests.file_batches import read, write
from tests.oracle import join_row

RIGHT_TIME = RIGHT_NAMES[RIGHT.time]


@pytest.fixture(name="meet")
def _meet(spark, make_settings, tmp_path):
    """Return a function that joins two streams, given as minutes, one list a micro-batch.

    It returns the pairs of each batch: the minutes of an event and of its right event. The join is
    within 5 minutes, the watermark 10 minutes behind. The function compares rows and state with
    the test oracle, batch by batch.
    """
    settings = make_settings("join.within=5 minutes", "watermark.delay=10 minutes")

    def meet(minutes, right_minutes):
        events = [[event(minute) for minute in batch] for batch in minutes]
        right = [[right_event(event(minute)) for minute in batch] for batch in right_minutes]
        inputs = (stream(EVENT, events, "met"), stream(RIGHT, right, "met-right"))
        told = []
        writer = join(*inputs, settings.join).writeStream.foreachBatch(
            lambda rows, _: told.append(pairs(typed_rows(rows)))
        )
        writer = writer.option("checkpointLocation", str(tmp_path / "checkpoint"))
        query = writer.trigger(availableNow=True).start()
        query.awaitTermination()
        computed = oracle.join(
            events,
            right,
            (EVENT, RIGHT),
            join_row,
            within=settings.join.within,
            delay=settings.watermark.delay,
{% if left %}
            is_left=True,
{% endif %}
        )
        said = [pairs(batch.events) for batch in computed.batches]
        assert told == said[: len(told)]
        kept = computed.retained + len(computed.pending)
        state = query.lastProgress.stateOperators
        assert sum(operator.numRowsTotal for operator in state) == kept
        return told

    def stream(form, batches, name):
        for number, batch in enumerate(batches):
            write(tmp_path / name, number, [make_record(form, values) for values in batch])
        events = select_valid(read(spark, tmp_path / name), form, settings.events, counted=False)
        return events.withWatermark(quote(form.time), settings.watermark.delay)

    return meet


def pairs(rows):
    """Return the minutes of events and of their right events."""
    times = ((row[EVENT.time], row[RIGHT_TIME]) for row in rows)
    return sorted(((_minute(time), at and _minute(at)) for time, at in times), key=str)


def _minute(time):
    return (time - START).total_seconds() / 60


def test_a_match_is_within_the_bound_after_the_event(meet):
    """A match is at most `join.within` after its event, and never before it."""
    told = meet([[10]], [[9.9, 10, 15, 15.1]])

    assert told[0] == [(10, 10), (10, 15)]


def test_all_pairs_are_joined(meet):
    """The join finds all pairs, in any order of arrival and across batches."""
    told = meet([[0, 1], [2]], [[3], [0, 4]])

    assert told[:2] == [[(0, 3), (1, 3)], [(0, 0), (0, 4), (1, 4), (2, 3), (2, 4)]]


def test_right_columns_have_unique_names(spark, make_settings):
    """The result has the columns of the event, then those of the right event without the key."""
    rows = [spark.createDataFrame([], form.ddl) for form in (EVENT, RIGHT)]

    joined = join(*rows, make_settings().join)

    assert joined.columns == [*schema.COLUMNS, *RIGHT_NAMES.values()]


def test_a_right_event_after_the_watermark_is_joined(meet):
    """A right event behind the newest one joins if the watermark has not passed it."""
    told = meet([[0], [12], [13], [14]], [[], [12], [2.1], [2]])

    # The watermark was 2 before the third batch.
    assert (0, 2.1) in told[2]
    assert told[3] == []


def test_a_late_event_is_dropped(meet):
    """An event of either input that is behind the watermark is dropped."""
    told = meet([[0], [30], [31], [20, 20.1]], [[0], [30], [31], [20, 20.1]])

    assert told[3] == [(20.1, 20.1)]


{% if left %}
def test_an_event_without_a_match_is_written_once(meet):
    """An event without a match is written once, when no match can arrive any more."""
    told = meet([[0], [14], [16], [30], [31]], [[], [14], [16], [30], [31]])

    alone = [[at for at, right_at in batch if right_at is None] for batch in told]
    # The watermark is 4 in the third batch, and 6 in the fourth.
    assert alone[:4] == [[], [], [], [0]]
    assert [at for batch in alone for at in batch] == [0]


def test_an_idle_input_holds_unmatched_rows_back(meet):
    """While an input is idle, no unmatched row is written; its next event releases them."""
    silent = meet([[0], [60], [120], [180], [181]], [[0.5], [], [], [], [180]])

    assert silent[:4] == [[(0, 0.5)], [], [], []]
    assert silent[4:] == [[(180, 180)], [(120, None), (60, None)]]
{% else %}
def test_an_event_without_a_match_is_not_written(meet):
    """An event without a match leaves the state without a row."""
    told = meet([[0], [14], [16], [30]], [[], [14], [16], [30]])

    assert told[:4] == [[], [(14, 14)], [(14, 16), (16, 16)], [(30, 30)]]


def test_an_idle_input_keeps_the_state(meet):
    """While an input is idle, the state keeps all events of the other input."""
    silent = meet([[0], [60], [120], [180]], [[], [], [], [0.5]])

    assert silent[3] == [(0, 0.5)]
{% endif %}


def test_out_of_order_inputs_match_the_oracle(meet):
    """The join of random events is that of the test oracle, batch by batch."""
    random = Random(3)  # noqa: S311 - a seed, so that a failure repeats
    minutes, right = (
        [[20 * batch + random.gauss(0, 10) for _ in range(12)] for batch in range(8)]
        for _ in range(2)
    )

    told = meet(minutes, right)

    assert sum(map(len, told)) > 40
