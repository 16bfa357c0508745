"""Chappe: a self-hosted event hub and registry for CloudEvents."""

__version__ = "0.1.0"
