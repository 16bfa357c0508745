"""Delivery to MQTT brokers, and reading from them."""
