"""Generated events for demo and tests, each with the outcome that it must have in the job."""
