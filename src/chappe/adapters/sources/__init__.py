"""Where the hub reads events that nobody posts: one module a protocol."""
