"""The web console: pages made of the public API, and of nothing else (docs/console.md)."""
