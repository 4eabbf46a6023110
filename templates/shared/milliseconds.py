def _ms(time: datetime) -> datetime:
    """Round down to milliseconds, the precision of Spark's watermark."""
    return time.replace(microsecond=time.microsecond // 1000 * 1000)
