{% set left = cookiecutter.join == "stream_left" %}
"""Two streams that meet: in time, too late, never, and when one of them is silent."""

from random import Random

import pytest
from stream_devkit import oracle
from stream_devkit.rows import typed_rows
from stream_devkit.samples import START
from stream_runtime.records import select_valid

from {{ cookiecutter.__package }} import schema
from {{ cookiecutter.__package }}.join import join
from {{ cookiecutter.__package }}.schema import EVENT, RIGHT, RIGHT_NAMES

from tests.events import event, partner
from tests.file_batches import read, write
from tests.oracle import join_row

PARTNER_TIME = RIGHT_NAMES[RIGHT.time]


@pytest.fixture(name="meet")
def _meet(spark, make_settings, tmp_path):
    """Let two streams meet, each given as the minutes of its events, a list a micro-batch.

    What comes is what each batch gives: the minute of an event and that of its partner. A
    partner has 5 minutes, and the watermark is 10 behind. Plain Python says the same, batch by
    batch, and holds as many events.
    """
    settings = make_settings("join.within=5 minutes", "watermark.delay=10 minutes")

    def meet(minutes, right_minutes):
        events = [[event(minute) for minute in batch] for batch in minutes]
        right = [[partner(event(minute)) for minute in batch] for batch in right_minutes]
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
            write(tmp_path / name, number, batch)
        events = select_valid(read(spark, tmp_path / name), form, settings.events, counted=False)
        return events.withWatermark(form.time, settings.watermark.delay)

    return meet


def pairs(rows):
    """The minutes of events and of their partners."""
    times = ((row[EVENT.time], row[PARTNER_TIME]) for row in rows)
    return sorted(((_minute(time), at and _minute(at)) for time, at in times), key=str)


def _minute(time):
    return (time - START).total_seconds() / 60


def test_a_partner_comes_with_the_event_or_soon_after(meet):
    """Up to the bound, which counts as soon; before the event or later is no partner."""
    told = meet([[10]], [[9.9, 10, 15, 15.1]])

    assert told[0] == [(10, 10), (10, 15)]


def test_an_event_has_all_its_partners_and_a_partner_all_its_events(meet):
    """Whichever comes first, in whichever batch."""
    told = meet([[0, 1], [2]], [[3], [0, 4]])

    assert told[:2] == [[(0, 3), (1, 3)], [(0, 0), (0, 4), (1, 4), (2, 3), (2, 4)]]


def test_columns_have_names_of_their_own(spark, make_settings):
    """The result has the columns of an event, then those of its partner, without its key."""
    rows = [spark.createDataFrame([], form.ddl) for form in (EVENT, RIGHT)]

    joined = join(*rows, make_settings().join)

    assert joined.columns == [*schema.COLUMNS, *RIGHT_NAMES.values()]


def test_a_partner_that_is_late_but_in_time_is_found(meet):
    """It is not after the newest event, but after the watermark of the batch before."""
    told = meet([[0], [12], [13], [14]], [[], [12], [2.1], [2]])

    # The watermark was 2 before the third batch.
    assert (0, 2.1) in told[2]
    assert told[3] == []


def test_an_event_that_is_too_late_is_dropped(meet):
    """Of either input: not after the watermark of the batch before, it meets none."""
    told = meet([[0], [30], [31], [20, 20.1]], [[0], [30], [31], [20, 20.1]])

    assert told[3] == [(20.1, 20.1)]


{% if left %}
def test_an_event_without_a_partner_comes_out_once(meet):
    """Alone, when the watermark is more than the bound past it: not before, and not again."""
    told = meet([[0], [14], [16], [30], [31]], [[], [14], [16], [30], [31]])

    alone = [[at for at, partner_at in batch if partner_at is None] for batch in told]
    # The watermark is 4 in the third batch, and 6 in the fourth.
    assert alone[:4] == [[], [], [], [0]]
    assert [at for batch in alone for at in batch] == [0]


def test_a_silent_input_holds_back_what_would_come_alone(meet):
    """Nothing comes and nothing is lost; once it speaks, time goes on for both."""
    silent = meet([[0], [60], [120], [180], [181]], [[0.5], [], [], [], [180]])

    assert silent[:4] == [[(0, 0.5)], [], [], []]
    assert silent[4:] == [[(180, 180)], [(120, None), (60, None)]]
{% else %}
def test_an_event_without_a_partner_never_comes_out(meet):
    """And is let go when the watermark is more than the bound past it."""
    told = meet([[0], [14], [16], [30]], [[], [14], [16], [30]])

    assert told[:4] == [[], [(14, 14)], [(14, 16), (16, 16)], [(30, 30)]]


def test_a_silent_input_lets_nothing_go(meet):
    """However old an event is, its partner may still come; once it speaks, time goes on."""
    silent = meet([[0], [60], [120], [180]], [[], [], [], [0.5]])

    assert silent[3] == [(0, 0.5)]
{% endif %}


def test_disorder_in_both(meet):
    """Random minutes: batch by batch what plain Python says."""
    random = Random(3)  # noqa: S311 - a seed, so that a failure repeats
    minutes, right = (
        [[20 * batch + random.gauss(0, 10) for _ in range(12)] for batch in range(8)]
        for _ in range(2)
    )

    told = meet(minutes, right)

    assert sum(map(len, told)) > 40
