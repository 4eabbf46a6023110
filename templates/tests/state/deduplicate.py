{% set job = cookiecutter | stream_plan %}
def one_by_one(stream, *events):
    """The rows and the summary of events, given as minute and number, one a batch."""
    rows, _, summary = stream([raw(event(at, number=id_)) for at, id_ in events], batch_rows=1)
    assert summary["verdict"] == "exact"
    return rows, summary


def test_a_repeat_is_dropped_in_its_batch_and_in_later_ones(stream):
    """The first event of an id counts, and the summary says what became of the others."""
    messages = [raw(event(0, number=number)) for number in (7, 7, 8, 7)]

    _, _, summary = stream(messages, batch_rows=2)

    assert summary["counted_rows"] + summary["open_rows"] == {{ 4 if cookiecutter.window == "sliding" else 2 }}
    assert summary["duplicate_rows"] == 2
    assert summary["verdict"] == "exact"


def test_an_event_that_comes_again_as_it_was_never_counts_twice(stream):
    """It is a repeat, or late: it is behind the watermark before its id is forgotten."""
    _, soon = one_by_one(stream, (0, 7), (19, 1), (0, 7), (0, 7))
    _, later = one_by_one(stream, (0, 7), (30, 1), (31, 2), (0, 7))

    assert (soon["duplicate_rows"], soon["late_rows"]) == (1, 1)
    assert (later["duplicate_rows"], later["late_rows"]) == (0, 1)


def test_an_id_is_forgotten_when_the_watermark_is_a_delay_past_its_event(stream):
{% if job.result_state == "upserted" and not job.windowed %}
    """Until then a later event with it is dropped; after that it takes the place of the first."""
    before, _ = one_by_one(stream, (0, 7), (19.9, 1), (19.9, 2), (22, 7))
    after, _ = one_by_one(stream, (0, 7), (20, 1), (20, 2), (22, 7))

    number_7 = event(0, number=7)[job.EVENT.id]
    kept = [row[job.EVENT.time][14:16] for row in before + after if row[job.EVENT.id] == number_7]
    assert kept == ["00", "22"]
{% else %}
    """Until then a later event with it is a repeat; after that it is a new event."""
    _, before = one_by_one(stream, (0, 7), (19.9, 1), (19.9, 2), (22, 7))
    _, after = one_by_one(stream, (0, 7), (20, 1), (20, 2), (22, 7))

    assert (before["duplicate_rows"], before["late_rows"]) == (1, 0)
    assert (after["duplicate_rows"], after["late_rows"]) == (0, 0)
{% endif %}
