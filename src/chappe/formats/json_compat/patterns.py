"""Which names a `patternProperties` pattern is about, in time linear in the name."""

from __future__ import annotations

import jsonschema_rs


class Patterns:
    """Patterns that were compiled once."""

    def __init__(self) -> None:
        self._compiled: dict[str, jsonschema_rs.Validator | None] = {}

    def match(self, pattern: str, name: str) -> bool:
        """Whether the pattern is found in the name; one that does not compile is about none."""
        if pattern not in self._compiled:
            self._compiled[pattern] = _compiled(pattern)
        compiled = self._compiled[pattern]
        return compiled is not None and compiled.is_valid(name)


def _compiled(pattern: str) -> jsonschema_rs.Validator | None:
    try:
        return jsonschema_rs.Draft202012Validator(
            {"pattern": pattern},
            offline=True,
            pattern_options=jsonschema_rs.RegexOptions(size_limit=1 << 20, dfa_size_limit=1 << 20),
        )
    except (jsonschema_rs.ValidationError, ValueError):
        return None
