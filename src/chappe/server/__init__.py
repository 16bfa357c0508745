"""Settings, wiring and the life of a node: the only package that names adapters."""
