"""The shared part of the test oracle: late events, duplicates, windows and joins.

The matrix compares it with Spark; these are its rules, one by one. Times are minutes.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from stream_devkit import oracle
from stream_runtime.errors import ConfigError
from stream_runtime.records import EventSchema

START = datetime(2026, 1, 1, tzinfo=UTC)
SCHEMA = EventSchema(
    columns={"id": "STRING", "at": "TIMESTAMP", "key": "STRING"}, id="id", time="at", key="key"
)
RIGHT = EventSchema(columns=SCHEMA.columns, id="id", time="at", key="key", counts="right")
DELAY = "10 minutes"


def event(minute, *, name="a", key="k"):
    """Return an event so many minutes after START."""
    return {"id": name, "at": START + timedelta(minutes=minute), "key": key}


def batches(*minutes):
    """Return a batch for each list of minutes; each event has its own id."""
    return [
        [event(minute, name=f"{number}-{place}") for place, minute in enumerate(batch)]
        for number, batch in enumerate(minutes)
    ]


def minutes_of(rows):
    """Return the sorted minutes of events."""
    return sorted((row["at"] - START) / timedelta(minutes=1) for row in rows)


def window_row(window):
    """Return start, end and number of events, as minutes."""
    start, end = ((time - START) / timedelta(minutes=1) for time in (window.start, window.end))
    return {"start": start, "end": end, "events": len(window.events)}


def aggregate(*minutes, mode="append", **windows):
    """Return the result of windows of five minutes over batches of minutes."""
    stream = oracle.read(batches(*minutes), SCHEMA, delay=DELAY)
    windows = {"duration": "5 minutes"} | windows
    return oracle.aggregate_windows(stream, SCHEMA, window_row, mode, **windows)


def places(rows):
    """Return the rows of windows as sorted tuples."""
    return sorted(tuple(row.values()) for row in rows)


def test_a_window_closes_when_the_watermark_reaches_its_end():
    """The watermark is the newest event time minus the delay; the end of a window is excluded."""
    assert places(aggregate([1], [15]).rows) == [(0, 5, 1)]
    assert places(aggregate([1], [15]).pending) == [(15, 20, 1)]
    assert places(aggregate([1], [14.999]).rows) == []
    assert places(aggregate([1], [14.999]).pending) == [(0, 5, 1), (10, 15, 1)]


def test_an_event_is_late_two_batches_after():
    """The batch after the one that advanced the watermark accepts it, the next one does not."""
    for before in ([], [[16]]):
        found = aggregate([1], [15], *before, [2])

        assert found.late == len(before)
        assert places(found.rows)[0] == (0, 5, 2 - len(before))


def test_an_event_of_an_open_window_is_not_late():
    """The watermark may be past the event, but not past the end of its window."""
    assert aggregate([1], [16], [], [5]).late == 0
    assert aggregate([1], [16], [], [4]).late == 1


def test_the_order_in_a_batch_does_not_matter():
    """The watermark advances at the end of a batch."""
    assert aggregate([30, 1]).late == aggregate([1, 30]).late == 0


def test_the_newest_event_of_a_batch_determines_the_watermark():
    """Older events of the same batch do not hold it back."""
    for batch in ([3, 15], [15, 3]):
        assert places(aggregate([1], batch).rows) == [(0, 5, 2)]


def test_windows_begin_later_by_their_offset():
    """An offset moves the starts of all windows forward."""
    assert places(aggregate([3], [30], offset="2 minutes").rows) == [(2, 7, 1)]
    assert places(aggregate([1], [30], offset="2 minutes").rows) == [(-3, 2, 1)]


def test_times_are_rounded_down_to_milliseconds():
    """Microseconds have no effect on the watermark, up to the last one of a millisecond."""
    for microseconds, milliseconds in ((999, 0), (1_000, 1), (999_999, 999)):
        time = START + timedelta(microseconds=microseconds)

        assert oracle.events.to_milliseconds(time) == START + timedelta(milliseconds=milliseconds)


def test_the_watermark_has_milliseconds():
    """Spark drops the digits below, so a window closes a microsecond later."""
    microsecond = 1 / 60_000_000

    assert aggregate([1], [15 - microsecond]).rows == []
    assert len(aggregate([1], [15 + microsecond]).rows) == 1


def test_other_modes_write_open_windows():
    """In `update` and `complete` mode the result has every window, and none is pending."""
    found = aggregate([1], [30], [31], [2], mode="update")

    assert places(found.rows) == [(0, 5, 1), (30, 35, 2)]
    assert (found.pending, found.late, found.retained) == ([], 1, 0)


def test_without_a_watermark_no_event_is_late():
    """In `complete` mode a window keeps all its events, also of times before 1970."""
    stream = oracle.read(batches([0], [10_000], [1], [-30_000_000]), SCHEMA)
    found = oracle.aggregate_windows(stream, SCHEMA, window_row, "complete", duration="5 minutes")

    assert found.late == 0
    assert (0, 5, 2) in places(found.rows)
    assert len(found.rows) == 3


def test_windows_overlap():
    """An event counts once for each window that it is in, and each count is reconciled."""
    found = aggregate([7], mode="update", slide="2 minutes")

    assert [start for start, _, _ in places(found.rows)] == [4, 6]
    assert (found.derived[0].read, found.derived[0].count) == (1, 2)


def test_an_event_of_overlapping_windows_is_late_once():
    """An event is late if all its windows have closed; those that have closed miss other events."""
    found = aggregate([20], [], [4, 6, 7], slide="2 minutes")

    assert (found.late, found.derived[0].read) == (1, 3)
    assert (found.derived[0].count, found.derived[0].missed) == (3 + 3 + 2, 2 + 1)


def test_without_a_key_a_window_has_all_events():
    """If no column is the key, events with any values in it are in the same window."""
    schema = replace(SCHEMA, key=None)
    stream = oracle.read([[event(1, key="a"), event(2, key="b")]], schema)

    found = oracle.aggregate_windows(stream, schema, window_row, "update", duration="5 minutes")

    assert places(found.rows) == [(0, 5, 2)]


def test_a_key_of_several_columns_is_their_combination():
    """Events are in the same window or session if all columns of the key are equal."""
    schema = replace(SCHEMA, key=("id", "key"))
    events = [event(1, name=name, key=key) for name in "ab" for key in "cc" + "d"]
    stream = oracle.read([events], schema)

    def row(window):
        return {"key": window.key, "events": len(window.events)}

    for found in (
        oracle.aggregate_windows(stream, schema, row, "update", duration="5 minutes"),
        oracle.aggregate_sessions(stream, schema, row, "complete", gap="5 minutes"),
    ):
        counts = {("a", "c"): 2, ("a", "d"): 1, ("b", "c"): 2, ("b", "d"): 1}
        assert dict(places(found.rows)) == counts


def aggregate_sessions(*minutes, mode="append"):
    """Return the sessions with a gap of five minutes."""
    stream = oracle.read(batches(*minutes), SCHEMA, delay=DELAY)
    return oracle.aggregate_sessions(stream, SCHEMA, window_row, mode, gap="5 minutes")


def test_an_event_merges_two_sessions():
    """Sessions that touch are one, and the end is the gap after the last event."""
    assert places(aggregate_sessions([0, 9]).pending) == [(0, 5, 1), (9, 14, 1)]
    assert places(aggregate_sessions([0, 9], [4]).pending) == [(0, 14, 3)]
    assert places(aggregate_sessions([0, 5]).pending) == [(0, 10, 2)]
    assert places(aggregate_sessions([0, 5.001]).pending) == [(0, 5, 1), (5.001, 10.001, 1)]


def test_a_closed_session_gets_no_more_events():
    """A later event begins another session, unless no session closes."""
    minutes = ([0], [15], [], [4])

    found = aggregate_sessions(*minutes)
    assert (places(found.rows), found.late) == ([(0, 5, 1)], 0)
    assert (4, 9, 1) in places(found.pending)
    assert (0, 9, 2) in places(aggregate_sessions(*minutes, mode="complete").rows)


def test_a_session_that_would_be_closed_is_late():
    """If a session of the event alone would have ended before the last watermark, it is late."""
    assert aggregate_sessions([0], [30], [], [15]).late == 1
    assert aggregate_sessions([0], [30], [], [15.001]).late == 0


def deduplicated(*batches):
    """Return the stream without duplicates."""
    return oracle.deduplicate(batches, SCHEMA, delay=DELAY)


def test_an_id_counts_once_within_the_watermark():
    """The id is in the state until the watermark is the delay past its first event."""
    first, again = [event(0)], [event(11)]

    stream = deduplicated(first, [event(19.999, name="b")], again)
    assert (stream.duplicates, stream.retained) == (1, 2)
    stream = deduplicated(first, [event(20, name="b")], [event(21, name="c")], again)
    assert (stream.duplicates, stream.late) == (0, 0)


def test_late_events_are_dropped_before_duplicates():
    """A late duplicate counts as late, and no event behind the watermark is passed on."""
    stream = deduplicated(
        [event(0)], [event(20, name="b")], [], [event(10), event(10.001, name="c")]
    )

    assert (stream.late, stream.duplicates) == (1, 0)
    assert minutes_of(stream.batches[3].events) == [10.001]


def test_dropped_events_are_reconciled():
    """What deduplication drops is late or a duplicate, and counts once where windows overlap."""
    stream = deduplicated(
        [event(0), event(0), event(0)], [event(20, name="b")], [], [event(1, name="c")]
    )
    windows = {"duration": "5 minutes", "slide": "5 minutes"}

    found = oracle.aggregate_windows(stream, SCHEMA, window_row, "append", **windows)

    assert (found.late, found.duplicates) == (1, 2)
    assert (found.derived[0].read, found.derived[0].count) == (2, 2)
    assert (len(found.rows), len(found.pending), found.retained) == (1, 1, 1)


def pair_row(one, other):
    """Return the minutes of a pair."""
    return {"at": one["at"], "other": other and other["at"]}


def join(left, right, **options):
    """Return the join of two streams within five minutes."""
    given = {"within": "5 minutes", "delay": DELAY} | options
    return oracle.join(batches(*left), batches(*right), (SCHEMA, RIGHT), pair_row, **given)


@pytest.mark.parametrize(("minute", "pairs"), [(-0.001, 0), (0, 1), (5, 1), (5.001, 0)])
def test_an_event_matches_right_events_that_follow_soon(minute, pairs):
    """Both bounds are included, and the order of arrival does not matter."""
    for left, right in (([[0]], [[minute]]), ([[0], []], [[], [minute]]), ([[], [0]], [[minute]])):
        assert sum(len(batch.events) for batch in join(left, right).batches) == pairs


def test_the_slower_input_determines_the_watermark():
    """An idle input stops the watermark, so no event is late and the state grows."""
    stream = join([[0], [100], [], [1]], [[]])
    assert (stream.late, stream.retained) == (0, 3)

    stream = join([[0], [100], [], [1]], [[], [100]])
    assert (stream.late, stream.retained) == (1, 2)


def test_a_left_join_writes_an_event_without_a_match_once():
    """An event without a match is pending until no match can arrive, and is then written once."""
    stream = join([[0], [100]], [[], [15]], is_left=True)
    assert minutes_of(stream.pending) == [0, 100]
    assert not any(batch.events for batch in stream.batches)

    stream = join([[0], [100]], [[], [15.001]], is_left=True)
    assert minutes_of(stream.pending) == [100]
    assert [row for batch in stream.batches for row in batch.events] == [
        {"at": START, "other": None}
    ]


def test_an_event_with_a_match_is_not_written_alone():
    """A left join writes its pairs only, and an inner join writes no event alone."""
    stream = join([[0], [100]], [[0], [100]], is_left=True)
    rows = [row for batch in stream.batches for row in batch.events]
    assert [row["other"] is None for row in rows] == [False, False]

    stream = join([[0], [100]], [[], [100]])
    rows = [row for batch in stream.batches for row in batch.events]
    assert minutes_of(rows) == [100]
    assert stream.pending == []


def test_right_events_leave_the_state_behind_the_watermark():
    """A right event at the watermark is kept; pending rows do not count as retained."""
    assert join([[15]], [[5], [15]]).retained == 3
    assert join([[15.001]], [[5], [15.001]]).retained == 2

    stream = join([[0], [100]], [[], [15]], is_left=True)
    assert (len(stream.pending), stream.retained) == (2, 1)


def test_replaced_rows_of_a_join_are_counted():
    """If the newest row of a key replaces others, they are part of what the join made."""
    stream = join([[0], [1]], [[2], []])

    found = oracle.collect(stream, SCHEMA, newest_of=["other"])

    assert (len(found.rows), found.derived[0].count, found.derived[0].replaced) == (1, 2, 1)


def test_an_event_behind_the_watermark_is_late():
    """An event at or behind the watermark is late, in both inputs."""
    left, right = [[100], [], [90, 90.001, 101]], [[100], [], [90, 90.001]]

    stream = join(left, right, is_left=True)
    found = oracle.collect(stream, SCHEMA)

    assert (found.late, len(found.rows), len(found.pending)) == (2, 2, 1)
    assert (found.derived[0].unit, found.derived[0].step) == ("rows of the join", "the join")
    assert (found.derived[0].read, found.derived[0].count) == (5, 3)


def test_the_newest_row_of_a_key_is_kept():
    """The row with the newest event time is kept, or the last one of equal times."""
    events = [event(1), event(3), event(2), event(3) | {"key": "last"}]

    found = oracle.collect(oracle.read([events], SCHEMA), SCHEMA, newest_of=["id"])

    assert [row["key"] for row in found.rows] == ["last"]
    assert found.duplicates == 3


def test_events_of_a_key_are_in_the_order_of_their_times():
    """Events with the same key, time and id are one, whichever arrives first."""
    found = oracle.order(
        [[event(2), event(1, name="b")], [event(2), event(2, name="c")]], SCHEMA, delay=DELAY
    )

    assert [[row["id"] for row in events] for events in found.keys] == [["b", "a", "c"]]
    assert (found.duplicates, found.late) == (1, 0)


def test_of_equal_events_the_first_text_is_kept():
    """The order of arrival does not matter; letters beyond ASCII come after those of ASCII."""
    schema = replace(SCHEMA, columns={**SCHEMA.columns, "word": "STRING"})
    equal = [{**event(1), "word": word} for word in ("é", "z", "zz")]

    for arrived in (equal, equal[::-1]):
        found = oracle.order([arrived], schema, delay=DELAY)

        assert [[row["word"] for row in events] for events in found.keys] == [["z"]]
        assert found.duplicates == 2


def test_without_an_id_only_equal_events_are_one():
    """Two events of a time are two if one of their values differs."""
    schema = replace(SCHEMA, id=None)

    found = oracle.order([[event(1), event(1), event(1, name="b")]], schema, delay=DELAY)

    assert [[row["id"] for row in events] for events in found.keys] == [["a", "b"]]
    assert found.duplicates == 1


def test_an_event_behind_the_watermark_is_not_ordered():
    """Code with its own state gets no late event; at the watermark an event is late."""
    events = [[event(0)], [event(20)], [], [event(10), event(10.001)]]

    found = oracle.order(events, SCHEMA, delay=DELAY)

    assert (found.late, found.watermark) == (1, START + timedelta(minutes=10))
    assert [minutes_of(events) for events in found.keys] == [[0, 10.001, 20]]


def test_a_label_is_looked_up(tmp_path):
    """Each row gets the label of its key, null for an unknown one; other formats are refused."""

    class Reference:
        format, path = "csv", str(tmp_path / "labels.csv")

    (tmp_path / "labels.csv").write_text("key,label\nk,kilo\n", "utf-8")
    rows = oracle.collect(oracle.read([[event(0), event(0, key="x")]], SCHEMA), SCHEMA)

    found = oracle.look_up(rows, Reference(), "key", "label")

    assert [row["label"] for row in found.rows] == ["kilo", None]
    Reference.format = "delta"
    with pytest.raises(ConfigError, match="name a file with --lookup"):
        oracle.look_up(rows, Reference(), "key", "label")
