def test_windows_overlap(spark, settings):
    """An event is in each window that started less than `window.duration` before it."""
    events = [event(0), event({{ 4.98 if job.right else 4.99 }}), event(5), event(5{{ ", key=1" if job.key_columns }})]

    rows = transformed(spark, settings, events)

{% if job.key_columns %}
    found = {(_minute(row["window_start"]), {{ row_key }}): row["event_count"] for row in rows}
    first = {(-5, key(0)): 2, (0, key(0)): 3, (5, key(0)): 1}
    assert found == first | {(0, key(1)): 1, (5, key(1)): 1}
{% else %}
    found = {_minute(row["window_start"]): row["event_count"] for row in rows}
    assert found == {-5: 2, 0: 4, 5: 2}
{% endif %}
    assert all(_minute(row["window_end"]) == _minute(row["window_start"]) + 10 for row in rows)


def test_an_event_without_a_measure_is_counted(spark, settings):
    """A total ignores events without the measure; the count has all events."""
    events = [event(0, measure=3), event(1, measure=None)]

    row, _ = transformed(spark, settings, events)

    assert row["event_count"] == 2
    assert [row[f"total_{measure}"] for measure in MEASURES] == [3] * len(MEASURES)


def test_the_window_is_a_setting(spark, make_settings):
    """`window.duration` and `window.slide` set the length and the distance of windows."""
    settings = make_settings("window.duration=1 hour", "window.slide=20 minutes")

    rows = transformed(spark, settings, [event(30)])

    assert sorted(_minute(row["window_start"]) for row in rows) == [-20, 0, 20]


def test_a_slide_that_does_not_divide_the_window(spark, make_settings):
    """If the slide does not divide the duration, the result is that of the test oracle."""
    settings = make_settings("window.duration=7 minutes", "window.slide=3 minutes")
    events = [event(minute / 4, number=minute) for minute in range(120)]

    wanted = expected_of([events], settings)

    assert verdict(transformed(spark, settings, events), [*wanted.rows, *wanted.pending]) == "exact"
