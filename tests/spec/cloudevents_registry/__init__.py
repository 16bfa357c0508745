"""Scenarios of the hub's own model, and how they travel through a registry and back."""
