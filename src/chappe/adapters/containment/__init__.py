"""What JSON Schemas mean, compared in a helper process with limits."""
