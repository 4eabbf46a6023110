"""The tables that the sink shows on the standard output."""

import pytest
from stream_devkit.reconciliation import verdict

from dev.target import Target
from tests.events import event, expected_of
from tests.small_stream import SmallStream


@pytest.mark.parametrize(("shown", "whole"), [({}, True), ({"sink.num_rows": "1"}, False)])
def test_the_output_has_all_rows_up_to_the_limit(
    spark, servers, make_settings, tmp_path, shown, whole
):
    """The standard output has all rows of the result if `sink.num_rows` is large enough."""
    target = Target(servers, tmp_path, "result")
    overrides = target.settings | shown
    settings = make_settings(*(f"{key}={value}" for key, value in overrides.items()))
    stream = SmallStream(spark, settings, tmp_path)
    stream.send(*(event(number / 10, key=number, number=number) for number in range(8)))
    stream.send(event(300, number=8))

    stream.run_apart()

    assert (verdict(target.rows(), expected_of(stream.events, settings).rows) == "exact") == whole
