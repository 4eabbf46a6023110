"""The columns of one event, and the part that some of them play in the job."""

from .runtime.records import EventSchema

COLUMNS = {
    "event_id": "STRING",
    "event_time": "TIMESTAMP",
    "client_ip": "STRING",
    "method": "STRING",
    "path": "STRING",
    "status": "INT",
    "bytes": "BIGINT",
}
EVENT_ID = "event_id"
EVENT_TIME = "event_time"
KEY = "method"
MEASURES = ("bytes",)

EVENT = EventSchema(
    columns=COLUMNS,
    id=EVENT_ID,
    time=EVENT_TIME,
    key=KEY,
    measures=MEASURES,
)
