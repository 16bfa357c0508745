"""What sinks and sources at Kafka share; it needs `chappe[kafka]`."""
