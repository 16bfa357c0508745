"""CloudEvents SQL 1.0: what an expression is, what it says of an event, and why (cesql/spec.md)."""
