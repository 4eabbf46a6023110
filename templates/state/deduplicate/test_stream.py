{% set job = cookiecutter | stream_plan %}
def played(stream, *events, batch_rows=1):
    """The rows and the summary of events, given as minute and number, and a last one.

    It is so late that everything before it is written, and compared.
    """
    messages = [raw(event(at, number=number)) for at, number in [*events, (600, 99)]]
    rows, _, summary = stream(messages, batch_rows=batch_rows)
    assert summary["verdict"] == "exact"
    return rows, summary


def test_a_repeat_is_dropped_in_its_batch_and_in_later_ones(stream):
    """The first event of an id counts, and the summary says what became of the others."""
    _, summary = played(stream, (0, 7), (0, 7), (0, 8), (0, 7), batch_rows=2)

    assert summary["counted_rows"] + summary["open_rows"] == {{ 6 if cookiecutter.window == "sliding" else 3 }}
    assert summary["duplicate_rows"] == 2


def test_batches_tell_how_many_repeats_they_dropped(spark, stream):
    """So that whoever is on call sees a source that sends everything twice."""
    with listen(ProgressListener(), spark) as listener:
        played(stream, (0, 7), (0, 7), (0, 8), (0, 7), batch_rows=2)

        reports = list(iter(lambda: listener.reports.get(timeout=60)[1], Sign.ENDED))

    assert sum(batch.duplicates_dropped for batch in reports) == 2


def test_an_event_that_comes_again_as_it_was_never_counts_twice(stream):
    """It is a repeat, or late: it is behind the watermark before its id is forgotten."""
    _, soon = played(stream, (0, 7), (19, 1), (0, 7), (0, 7))
    _, later = played(stream, (0, 7), (30, 1), (31, 2), (0, 7))

    assert (soon["duplicate_rows"], soon["late_rows"]) == (1, 1)
    assert (later["duplicate_rows"], later["late_rows"]) == (0, 1)


def test_an_id_is_forgotten_when_the_watermark_is_a_delay_past_its_event(stream):
{% if job.write_disposition == "merge" and not job.windowed %}
    """Until then a later event with it is dropped; after that it takes the place of the first."""
    before, _ = played(stream, (0, 7), (19.9, 1), (19.9, 2), (22, 7))
    after, _ = played(stream, (0, 7), (20, 1), (20, 2), (22, 7))

    number_7 = event(0, number=7)[EVENT.id]
    kept = [row[EVENT.time][14:16] for row in before + after if row[EVENT.id] == number_7]
    assert kept == ["00", "22"]
{% else %}
    """Until then a later event with it is a repeat; after that it is a new event."""
    _, before = played(stream, (0, 7), (19.9, 1), (19.9, 2), (22, 7))
    _, after = played(stream, (0, 7), (20, 1), (20, 2), (22, 7))

    assert (before["duplicate_rows"], before["late_rows"]) == (1, 0)
    assert (after["duplicate_rows"], after["late_rows"]) == (0, 0)
{% endif %}
