"""YAML of registry documents, by the name that the command line has for it (formats/yaml_text)."""

from __future__ import annotations

from chappe.formats.yaml_text import MAX_ALIASES, BadYaml, read_yaml, write_yaml

__all__ = ["MAX_ALIASES", "BadYaml", "read_yaml", "write_yaml"]
