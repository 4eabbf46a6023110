"""Delivery guarantees: how often an event counts in the target after a crash."""

from .axes import Answers, Box, look_up, resolved
from .rules import LOW_LATENCY
from .sources import SOURCES

# What a batch replay reads after a crash.
REPLAYED = {
    name: f"a batch replay after a crash reads the same {source.replayed}"
    for name, source in SOURCES.items()
}
# The delivery guarantee of the first box that contains the answers.
GUARANTEES: tuple[tuple[Box, str], ...] = (
    (
        {"sink": ("console",), "trigger": LOW_LATENCY},
        (
            "None: after a crash or a stop, the job reads the records of the last interval again, "
            "and the console shows them again."
        ),
    ),
    (
        {"sink": ("console",)},
        "None: {replayed}, and the console shows it again.",
    ),
    (
        {"trigger": LOW_LATENCY},
        (
            "At least once into the Kafka topic: after a crash or a stop, the job reads and writes "
            "the records of the last interval again."
        ),
    ),
    (
        {"sink": ("kafka",)},
        "At least once into the Kafka topic: {replayed} and writes its rows again.",
    ),
    (
        {"sink": ("delta",)},
        "Exactly once into the Delta table: {replayed}, and Delta skips known batch ids.",
    ),
    (
        {"sink": ("delta_merge",), "platform": ("databricks_serverless",)},
        "Exactly once into the Delta table: {replayed}, and MERGE writes the same rows.",
    ),
    (
        {"sink": ("delta_merge",)},
        "Exactly once into the Delta table: {replayed}, and MERGE commits rows with the batch id.",
    ),
    (
        {"sink": ("jdbc",)},
        (
            "Exactly once into PostgreSQL: {replayed}, and one transaction commits rows with the "
            "batch id."
        ),
    ),
    (
        {"sink": ("files",)},
        (
            "Exactly once for readers of _spark_metadata: {replayed}, and Spark skips batch ids "
            "that are in this log."
        ),
    ),
    (
        {"sink": ("iceberg",)},
        (
            "Exactly once into the Iceberg table: {replayed}, and Iceberg skips batch ids that a "
            "snapshot of the table has."
        ),
    ),
)


def guarantee(answers: Answers) -> str:
    """Return how often an event counts in the result, for this source, sink and trigger."""
    known = {**answers, **resolved(answers)}
    return look_up(GUARANTEES, known).format(replayed=REPLAYED[known["source"]])
