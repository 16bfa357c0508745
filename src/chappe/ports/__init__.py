"""What waits: the seams to everything outside."""
