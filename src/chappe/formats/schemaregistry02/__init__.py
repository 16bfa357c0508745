"""CloudEvents Schema Registry 0.2 (schemaregistry/spec.md, 2020-2023) as a view of the registry's tree."""
