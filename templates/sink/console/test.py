"""The tables that the sink shows: whole, and readable."""

import pytest
from stream_devkit.reconciliation import verdict

from dev.target import Target
from tests.events import event, expected_of
from tests.small_stream import SmallStream


@pytest.mark.parametrize(("shown", "whole"), [({}, True), ({"sink.num_rows": "1"}, False)])
def test_all_rows_are_shown_if_so_many_are_asked_for(
    spark, servers, make_settings, tmp_path, shown, whole
):
    """What stands on the standard output is the result, as far as it is shown."""
    target = Target(servers, tmp_path, "result")
    overrides = target.settings | shown
    settings = make_settings(*(f"{key}={value}" for key, value in overrides.items()))
    stream = SmallStream(spark, settings, tmp_path)
    stream.send(*(event(number / 10, key=number, number=number) for number in range(8)))
    stream.send(event(300, number=8))

    stream.run_apart()

    assert (verdict(target.rows(), expected_of(stream.events, settings).rows) == "exact") == whole
