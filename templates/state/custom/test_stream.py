{% set mean = job.visit.mean %}
def played(stream, *minutes, batch_rows=1, idle="30 minutes"):
    """Return the rows, in the order of their time, and the summary of a file run.

    A last event advances the watermark, so that all other events are written.
    """
    messages = [raw(event(at, number=number)) for number, at in enumerate([*minutes, 6000])]
    rows, _, summary = stream(messages, f"visits.idle={idle}", batch_rows=batch_rows)
    assert summary["verdict"] == "exact"
    return sorted(rows, key=lambda row: row[EVENT.time]), summary


def test_out_of_order_events_are_numbered_by_time(stream):
    """Out-of-order events are numbered by event time, with any batch size."""
    one_by_one, summary = played(stream, 5, 3, 9, 1)
    at_once, _ = played(stream, 5, 3, 9, 1, batch_rows=5)

    assert [row[NUMBER] for row in one_by_one] == [1, 2, 3, 4]
    assert {row[START][14:16] for row in one_by_one} == {"01"}
    assert one_by_one == at_once
    assert (summary["late_rows"], summary["open_rows"]) == (0, 1)


def test_a_long_pause_begins_a_visit(stream):
    """A pause longer than `idle` begins a visit, with or without the old one in the state."""
    rows, _ = played(stream, 0, 30, 60.001, 61, 200, 201, 202, 203)

    assert [row[NUMBER] for row in rows] == [1, 2, 1, 2, 1, 2, 3, 4]


def test_a_duplicate_event_counts_once(stream):
    """A duplicate is dropped while its event is pending; afterwards it is late."""
    messages = [
        raw(event(at, number=number))
        for at, number in [(0, 7), (0, 7), (20, 1), (0, 7), (20, 1), (21, 2), (0, 7), (600, 9)]
    ]

    _, _, summary = stream(messages, batch_rows=1)

    assert summary["verdict"] == "exact"
    assert (summary["counted_rows"], summary["duplicate_rows"]) == (3, 3)
    assert (summary["late_rows"], summary["open_rows"]) == (1, 1)


def test_an_event_behind_the_watermark_is_late(stream):
    """An event behind the watermark of the previous batch is dropped and counted as late."""
    _, behind = played(stream, 0, 20, 21, 10)
    _, ahead = played(stream, 0, 20, 21, 10.001)

    assert behind["late_rows"] == 1
    assert ahead["late_rows"] == 0


{% if job.roles.id %}
def test_of_duplicates_the_same_one_is_kept_in_any_order(stream):
    """Of two events with one time and id the same one is kept, in any order."""
    one, other = (raw(event(0, number=7, measure=measure)) for measure in (1, None))
    last = raw(event(600, number=9))

    first, summary = stream([one, other, last], batch_rows=1)[::2]
    second, _, _ = stream([other, one, last], batch_rows=1)

    assert first == second
    assert (summary["verdict"], summary["duplicate_rows"]) == ("exact", 1)


{% endif %}
def test_each_key_has_its_own_visits(stream):
    """Each key has its own visits, and the values of an event are unchanged."""
    random = Random(9)  # noqa: S311 - a seed, so that a failure repeats
    events = [
        event(number + random.uniform(0, 9), key=number % 2, number=number, measure=number % 9)
        for number in range(120)
    ]
    messages = list(map(raw, events))

    results = [stream(messages, "visits.idle=3 minutes", batch_rows=size) for size in (20, 60)]

    assert [summary["verdict"] for _, _, summary in results] == ["exact"] * 2
    lines = [sorted(json.dumps(row, sort_keys=True) for row in rows) for rows, _, _ in results]
    assert lines[0] == lines[1]
    assert max(row[NUMBER] for row in results[0][0]) > 2
