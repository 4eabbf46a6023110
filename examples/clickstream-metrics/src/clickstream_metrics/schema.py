"""The event schema: columns and roles."""

from stream_runtime.records import EventSchema

COLUMNS = {
    "event_id": "STRING",
    "event_time": "TIMESTAMP",
    "event_type": "STRING",
    "user_id": "BIGINT",
    "amount": "DOUBLE",
}
EVENT_ID = "event_id"
EVENT_TIME = "event_time"
KEY = "event_type"
MEASURES = ("amount",)
RESULT_KEY: tuple[str, ...] = ("window_start", "window_end", KEY)
"""The columns that identify a row of the result."""

EVENT = EventSchema(
    columns=COLUMNS,
    id=EVENT_ID,
    time=EVENT_TIME,
    key=KEY,
    measures=MEASURES,
)
