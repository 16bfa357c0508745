"""One delivery protocol each."""
