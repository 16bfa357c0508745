"""Sinks and sources at Kafka; it needs `chappe[kafka]`."""
