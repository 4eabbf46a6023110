{% set job = cookiecutter | stream_plan %}
def played(stream, *events, batch_rows=1):
    """Return the rows and the summary of a file run of events, given as minute and number.

    A last event advances the watermark, so that all other events are written.
    """
    messages = [raw(event(at, number=number)) for at, number in [*events, (600, 99)]]
    rows, _, summary = stream(messages, batch_rows=batch_rows)
    assert summary["verdict"] == "exact"
    return rows, summary


def test_a_duplicate_is_dropped_within_and_across_batches(stream):
    """The first event of an id counts; the summary counts the others as duplicates."""
    _, summary = played(stream, (0, 7), (0, 7), (0, 8), (0, 7), batch_rows=2)

    assert summary["counted_rows"] + summary["open_rows"] == {{ 6 if cookiecutter.window == "sliding" else 3 }}
    assert summary["duplicate_rows"] == 2


def test_batches_report_dropped_duplicates(spark, stream):
    """Each batch reports the number of duplicates that it dropped."""
    with listen(ProgressListener(), spark) as listener:
        played(stream, (0, 7), (0, 7), (0, 8), (0, 7), batch_rows=2)

        reports = list(iter(lambda: listener.reports.get(timeout=60)[1], Sign.ENDED))

    assert sum(batch.duplicates_dropped for batch in reports) == 2


def test_an_event_that_is_sent_again_counts_once(stream):
    """An event that is sent again is a duplicate, or late: its id is retained long enough."""
    _, soon = played(stream, (0, 7), (19, 1), (0, 7), (0, 7))
    _, later = played(stream, (0, 7), (30, 1), (31, 2), (0, 7))

    assert (soon["duplicate_rows"], soon["late_rows"]) == (1, 1)
    assert (later["duplicate_rows"], later["late_rows"]) == (0, 1)


def test_an_id_is_retained_for_the_watermark_delay(stream):
{% if job.write_disposition == "merge" and not job.windowed %}
    """A later event with a retained id is dropped; otherwise it replaces the first one."""
    before, _ = played(stream, (0, 7), (19.9, 1), (19.9, 2), (22, 7))
    after, _ = played(stream, (0, 7), (20, 1), (20, 2), (22, 7))

    number_7 = event(0, number=7)[EVENT.id]
    kept = [row[EVENT.time][14:16] for row in before + after if row[EVENT.id] == number_7]
    assert kept == ["00", "22"]
{% else %}
    """A later event with a retained id is a duplicate; otherwise it is a new event."""
    _, before = played(stream, (0, 7), (19.9, 1), (19.9, 2), (22, 7))
    _, after = played(stream, (0, 7), (20, 1), (20, 2), (22, 7))

    assert (before["duplicate_rows"], before["late_rows"]) == (1, 0)
    assert (after["duplicate_rows"], after["late_rows"]) == (0, 0)
{% endif %}
