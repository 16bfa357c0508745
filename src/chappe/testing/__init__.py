"""Conformance suites of the ports, and tools for tests."""
