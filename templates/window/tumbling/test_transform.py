def test_windows_do_not_overlap(spark, settings):
    """A window includes its start and excludes its end{{ "; each key has its own windows" if job.key_columns }}."""
    events = [event(0, measure=1), event({{ 4.98 if job.right else 4.99 }}, measure=2), event(5, measure=4), event(5{{ ", key=1" if job.key_columns }})]

    rows = transformed(spark, settings, events)

{% if job.key_columns %}
    found = {(_minute(row["window_start"]), {{ row_key }}): row["event_count"] for row in rows}
    assert found == {(0, key(0)): 2, (5, key(0)): 1, (5, key(1)): 1}
{% else %}
    assert {_minute(row["window_start"]): row["event_count"] for row in rows} == {0: 2, 5: 2}
{% endif %}
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
