"""Whatever bytes arrive: an event or a CallerError, and nothing else (`python -m tests.fuzz`)."""
