"""The engine: NATS JetStream."""
