{% set mean = job.visit.mean %}
def played(stream, *minutes, batch_rows=1, idle="30 minutes"):
    """The rows, in the order of their time, and the summary of events, and of a last one.

    It is so late that all before it are written, and compared.
    """
    messages = [raw(event(at, number=number)) for number, at in enumerate([*minutes, 6000])]
    rows, _, summary = stream(messages, f"visits.idle={idle}", batch_rows=batch_rows)
    assert summary["verdict"] == "exact"
    return sorted(rows, key=lambda row: row[EVENT.time]), summary


def test_an_event_that_comes_out_of_order_has_its_right_place(stream):
    """Whichever way the stream is cut: events are handled in the order of their time."""
    one_by_one, summary = played(stream, 5, 3, 9, 1)
    at_once, _ = played(stream, 5, 3, 9, 1, batch_rows=5)

    assert [row[NUMBER] for row in one_by_one] == [1, 2, 3, 4]
    assert {row[START][14:16] for row in one_by_one} == {"01"}
    assert one_by_one == at_once
    assert (summary["late_rows"], summary["open_rows"]) == (0, 1)


def test_a_long_pause_begins_a_visit(stream):
    """Also where the visit before it was forgotten in between, and where it was not yet."""
    rows, _ = played(stream, 0, 30, 60.001, 61, 200, 201, 202, 203)

    assert [row[NUMBER] for row in rows] == [1, 2, 1, 2, 1, 2, 3, 4]


def test_an_event_that_comes_again_is_one_event(stream):
    """While it waits it is the same, and after that it is late: it never counts twice."""
    messages = [
        raw(event(at, number=number))
        for at, number in [(0, 7), (0, 7), (20, 1), (0, 7), (20, 1), (21, 2), (0, 7), (600, 9)]
    ]

    _, _, summary = stream(messages, batch_rows=1)

    assert summary["verdict"] == "exact"
    assert (summary["counted_rows"], summary["duplicate_rows"]) == (3, 3)
    assert (summary["late_rows"], summary["open_rows"]) == (1, 1)


def test_an_event_is_late_when_the_watermark_of_the_batch_before_had_reached_it(stream):
    """It is dropped and counted, also where it would still belong to a visit that is open."""
    _, behind = played(stream, 0, 20, 21, 10)
    _, ahead = played(stream, 0, 20, 21, 10.001)

    assert behind["late_rows"] == 1
    assert ahead["late_rows"] == 0


{% if job.roles.id %}
def test_of_two_events_with_time_and_id_it_does_not_matter_which_comes_first(stream):
    """They are one event, and it is always the same one that stays."""
    one, other = (raw(event(0, number=7, measure=measure)) for measure in (1, None))
    last = raw(event(600, number=9))

    first, summary = stream([one, other, last], batch_rows=1)[::2]
    second, _, _ = stream([other, one, last], batch_rows=1)

    assert first == second
    assert (summary["verdict"], summary["duplicate_rows"]) == ("exact", 1)


{% endif %}
def test_keys_have_visits_of_their_own(stream):
    """However their events are mixed; what an event holds comes out as it went in."""
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
