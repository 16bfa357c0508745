"""CloudEvents Schema Registry 0.2 (schemaregistry.yaml) over HTTP, below a prefix of its own."""
