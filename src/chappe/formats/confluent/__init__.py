"""Confluent's Schema Registry over the registry's tree: names, identity, index, decisions. Pure."""
