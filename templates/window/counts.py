{% if not job.key_columns %}
    counts = {row["window_start"][11:16]: row["event_count"] for row in rows}
{% elif job.has_date_key %}
    counts = {
        (row["window_start"][11:16], date.fromisoformat(row[KEY])): row["event_count"]
        for row in rows
    }
{% else %}
    counts = {(row["window_start"][11:16], {{ row_key }}): row["event_count"] for row in rows}
{% endif %}
