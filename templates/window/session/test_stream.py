{% set mode = cookiecutter.output_mode %}
{% set job = cookiecutter | stream_plan %}
{% set ahead = job.drops_behind %}
{% set late = 4 if job.right else 2 %}
def test_late_and_out_of_order_events(stream):
{% if ahead %}
    """An event can merge open sessions; an event behind the watermark is late.
{% else %}
    """An event can merge open sessions; it is late if its own session would be closed.
{% endif %}

    Two events a batch; gap 10 minutes, watermark 10 minutes behind the newest event.
    """
    minutes = [
        *(0, 12),  # two sessions; the watermark moves to 2
        *(6, 30),  # out of order: it merges the two; the watermark moves to 20
{% if ahead %}
        *(1, 31),  # behind 2, so late, although the session [0, 22) is still open
        *(2, 32),  # late as well
{% else %}
        *(1, 31),  # late, but the session [0, 22) is still open
        *(2, 32),  # its own session would have ended at 12
{% endif %}
    ]

    rows, _, summary = stream(
        [raw(event(minute, number=number)) for number, minute in enumerate(minutes)], batch_rows=2
    )

{% include "window/counts.py" %}
{% if ahead and mode == "append" %}
    assert counts == {("00:00", key(0)): 3}
    assert (summary["late_rows"], summary["open_rows"]) == ({{ late }}, 3)
{% elif ahead %}
    assert counts == {("00:00", key(0)): 3, ("00:30", key(0)): 3}
    assert (summary["late_rows"], summary["open_rows"]) == ({{ late }}, 0)
{% elif mode == "append" %}
    assert counts == {("00:00", key(0)): 4}
    assert (summary["late_rows"], summary["open_rows"]) == (1, 3)
{% elif mode == "complete" %}
    assert counts == {("00:00", key(0)): 4, ("00:30", key(0)): 3}
    assert (summary["late_rows"], summary["open_rows"]) == (1, 0)
{% endif %}
    assert summary["verdict"] == "exact"
