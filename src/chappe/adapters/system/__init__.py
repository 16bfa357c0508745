"""The real clock."""
