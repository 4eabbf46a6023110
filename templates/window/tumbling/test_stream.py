{% set mode = cookiecutter.output_mode %}
{% set job = cookiecutter | stream_plan %}
{% from "window/expected.py" import counts with context %}
{% set ahead = job.drops_behind %}
{% set late = 4 if job.right else 2 %}
def test_late_and_out_of_order_events(stream):
{% if ahead %}
    """An event behind the watermark is late, even if its window is open.
{% else %}
    """An event counts until its window is closed, and is late afterwards.
{% endif %}

    Two events a batch; window 5 minutes, watermark 10 minutes behind the newest event.
    """
    minutes = [
        *(0, 12),  # the watermark moves to 2: nothing closes
        *(6, 30),  # out of order; the watermark moves to 20
{% if ahead %}
        *(1, 31),  # behind 2, so late, although [0, 5) closes only with this batch
        *(2, 32),  # late as well
{% else %}
        *(1, 31),  # late, but [0, 5) closes only with this batch
        *(2, 32),  # [0, 5) has closed
{% endif %}
    ]

    rows, _, summary = stream(
        [raw(event(minute, number=number)) for number, minute in enumerate(minutes)], batch_rows=2
    )

{% include "window/counts.py" %}
{% if ahead and mode == "append" %}
    assert counts == {{ counts([("00:00", 1), ("00:05", 1), ("00:10", 1)]) }}
    assert (summary["late_rows"], summary["open_rows"]) == ({{ late }}, 3)
{% elif ahead %}
    early = {{ counts([("00:00", 1), ("00:05", 1)]) }}
    assert counts == early | {{ counts([("00:10", 1), ("00:30", 3)]) }}
    assert (summary["late_rows"], summary["open_rows"]) == ({{ late }}, 0)
{% elif mode == "append" %}
    assert counts == {{ counts([("00:00", 2), ("00:05", 1), ("00:10", 1)]) }}
    assert (summary["late_rows"], summary["open_rows"]) == (1, 3)
{% elif mode == "update" %}
    early = {{ counts([("00:00", 2), ("00:05", 1)]) }}
    assert counts == early | {{ counts([("00:10", 1), ("00:30", 3)]) }}
    assert (summary["late_rows"], summary["open_rows"]) == (1, 0)
{% elif mode == "complete" %}
    early = {{ counts([("00:00", 3), ("00:05", 1)]) }}
    assert counts == early | {{ counts([("00:10", 1), ("00:30", 3)]) }}
    assert (summary["late_rows"], summary["open_rows"]) == (0, 0)
{% endif %}
    assert summary["verdict"] == "exact"
