def _ms(time: datetime) -> datetime:
    """Spark keeps the watermark in whole milliseconds."""
    return time.replace(microsecond=time.microsecond // 1000 * 1000)
