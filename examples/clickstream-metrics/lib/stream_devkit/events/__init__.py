"""Generated events for demo and tests: what each record is, and what the job has to make of it."""
