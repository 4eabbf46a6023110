"""The oracle of the rules: which answers are legal, because of what Spark and its sinks accept.

It shares no code with the rules, and states what is accepted, while they state what is refused.
"""

AGGREGATED = {"tumbling", "sliding", "session"}
ON_DATABRICKS = {"databricks", "databricks_serverless"}


def is_legal(platform, source, window, join, state, sink, mode, trigger, spark):
    """Return whether the template generates a job with these answers; none of them is `auto`."""
    return (
        can_operators_use(mode, window, join, spark)
        and can_sink_use(mode, sink)
        and has_connector(sink, platform, source, spark)
        and can_trigger_run(trigger, (window, join, state), (source, sink), (mode, spark))
        and has_features(platform, source, state, trigger, spark)
        and is_generated(window, join, state)
    )


def can_operators_use(mode, window, join, spark):
    """Return whether Spark accepts the output mode after these operators, with a watermark."""
    if join == "stream_left":
        return mode == "append"
    if join == "stream_inner" and mode == "complete":
        return False
    if join == "stream_inner" and mode == "update" and spark != "4.2":
        return False
    if window == "session":
        return mode in {"append", "complete"}
    if window in AGGREGATED:
        return True
    return mode != "complete"


def can_sink_use(mode, sink):
    """Return whether the sink accepts the output mode and is safe with it."""
    accepted = {
        "files": {"append"},
        "delta": {"append", "complete"},
        "delta_merge": {"append", "update"},  # with complete, each batch would MERGE all rows
        "jdbc": {"append", "update", "complete"},
        "kafka": {"append", "update", "complete"},
        "console": {"append", "update", "complete"},
        "iceberg": {"append"},
    }
    return mode in accepted[sink]


def has_connector(sink, platform, source, spark):
    """Return whether the sink has a connector there; Auto Loader implies Databricks."""
    if sink != "iceberg":
        return True
    # The connector of Iceberg 1.12 for Spark 4.1 fails in 4.2: IncompatibleClassChangeError.
    return spark != "4.2" and platform not in ON_DATABRICKS and source != "auto_loader"


def can_trigger_run(trigger, operators, ends, version):
    """Return whether the trigger can run such a query; micro-batch triggers run every query."""
    if trigger in {"processing_time", "available_now"}:
        return True
    row_by_row = set(operators) == {"none"}
    if not row_by_row or ends not in {("kafka", "kafka"), ("kafka", "console")}:
        return False
    return trigger == "continuous" or version == ("update", "4.2")


def has_features(platform, source, state, trigger, spark):
    """Return whether the platform has the source, the state, the trigger and the Spark version."""
    if platform not in ON_DATABRICKS:
        return source != "auto_loader"
    if spark == "4.2" or trigger in {"continuous", "real_time"}:
        return False
    if platform == "databricks":
        return True
    # The client of Spark Connect has transformWithState since 4.1.
    return trigger == "available_now" and (state != "custom" or spark == "4.1")


def is_generated(window, join, state):
    """Return whether the template generates this combination of operators."""
    if window in AGGREGATED and (join == "stream_left" or state == "custom"):
        return False
    return state == "none" or join not in {"stream_inner", "stream_left"}
