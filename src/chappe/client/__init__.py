"""The Python client of the hub's public API."""
