"""The rebuildable index of events."""
