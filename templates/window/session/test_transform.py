def test_a_gap_ends_a_session(spark, settings):
    """Events of a key at most a gap apart are one session; each key has its own sessions."""
    events = [event(9.75), event(0), event(19.5), event(30), event(31, key=1)]

    rows = transformed(spark, settings, events)

    found = {(_minute(row["window_start"]), {{ row_key }}): row["event_count"] for row in rows}
    assert found == {(0, key(0)): 3, (30, key(0)): 1, (31, key(1)): 1}
    assert {_minute(row["window_end"]) for row in rows} == {29.5, 40, 41}


def test_an_event_without_a_measure_is_counted(spark, settings):
    """A total ignores events without the measure; the count has all events."""
    events = [event(0, measure=3), event(1, measure=None)]

    (row,) = transformed(spark, settings, events)

    assert row["event_count"] == 2
    assert [row[f"total_{measure}"] for measure in MEASURES] == [3] * len(MEASURES)


def test_the_gap_is_a_setting(spark, make_settings):
    """`window.gap` sets the pause that ends a session."""
    events = [event(0), event(59)]

    assert len(transformed(spark, make_settings("window.gap=1 hour"), events)) == 1
    assert len(transformed(spark, make_settings("window.gap=58 minutes"), events)) == 2
