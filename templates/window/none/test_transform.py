def test_each_event_is_a_row(spark, settings):
    """A row has the columns of schema.py and the values of its event; a missing value is null."""
    events = [event(minute, number=minute) for minute in range(3)]

    rows = transformed(spark, settings, events)

    assert sorted(row[EVENT.time] for row in rows) == [values[EVENT.time] for values in events]
{% if job.right %}
    assert all(list(row) == [*COLUMNS, *RIGHT_NAMES.values()] for row in rows)
{% elif cookiecutter.join == "static_lookup" %}
    assert all(list(row) == [*COLUMNS, LABEL] for row in rows)
{% else %}
    assert all(list(row) == list(COLUMNS) for row in rows)
{% endif %}
    assert {row[name] for row in rows for name in COLUMNS.keys() - events[0].keys()} <= {None}
