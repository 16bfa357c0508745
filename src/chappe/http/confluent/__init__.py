"""Confluent's Schema Registry REST API over HTTP."""
