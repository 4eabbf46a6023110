"""The oracle of the rules: which answers are legal, written from what Spark and its sinks do.

It shares nothing with the rules: it says what is accepted, they say what is refused.
"""

AGGREGATED = {"tumbling", "sliding", "session"}
ON_DATABRICKS = {"databricks", "databricks_serverless"}


def legal(platform, source, window, join, state, sink, mode, trigger, spark):
    """Return whether a job with these answers (none of them `auto`) is one to generate."""
    return (
        operators_accept(window, join, mode, spark)
        and sink_accepts(sink, mode)
        and connector_runs(sink, platform, source, spark)
        and trigger_accepts(trigger, (window, join, state), (source, sink), (mode, spark))
        and platform_has(platform, source, state, trigger, spark)
        and generated(window, join, state)
    )


def operators_accept(window, join, mode, spark):
    """Return whether Spark accepts the mode behind these operators, all with a watermark."""
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


def sink_accepts(sink, mode):
    """Return whether the sink takes the mode and stays safe with it."""
    accepted = {
        "files": {"append"},
        "delta": {"append", "complete"},
        "delta_merge": {"append", "update"},  # complete: a MERGE of everything, each batch
        "jdbc": {"append", "update", "complete"},
        "kafka": {"append", "update", "complete"},
        "console": {"append", "update", "complete"},
        "iceberg": {"append"},
    }
    return mode in accepted[sink]


def connector_runs(sink, platform, source, spark):
    """Return whether the sink's connector runs there; Auto Loader means Databricks."""
    if sink != "iceberg":
        return True
    # The connector of Iceberg 1.12 for Spark 4.1 fails in 4.2: IncompatibleClassChangeError.
    return spark != "4.2" and platform not in ON_DATABRICKS and source != "auto_loader"


def trigger_accepts(trigger, operators, ends, version):
    """Return whether the trigger can run such a query; the micro-batch ones run every query."""
    if trigger in {"processing_time", "available_now"}:
        return True
    row_by_row = set(operators) == {"none"}
    if not row_by_row or ends not in {("kafka", "kafka"), ("kafka", "console")}:
        return False
    return trigger == "continuous" or version == ("update", "4.2")


def platform_has(platform, source, state, trigger, spark):
    """Return whether the platform has the source, the state, the trigger and the version."""
    if platform not in ON_DATABRICKS:
        return source != "auto_loader"
    if spark == "4.2" or trigger in {"continuous", "real_time"}:
        return False
    if platform == "databricks":
        return True
    # Spark Connect's client has transformWithState from 4.1 on.
    return trigger == "available_now" and (state != "custom" or spark == "4.1")


def generated(window, join, state):
    """Return whether the template composes such a transform."""
    if window in AGGREGATED and (join == "stream_left" or state == "custom"):
        return False
    return state == "none" or join not in {"stream_inner", "stream_left"}
