"""Resolving and vetting what is connected to."""
