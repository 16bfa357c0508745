"""`$include` and `$includes` (core/model.md "Includes in the xRegistry Model Data").

A reference is resolved inside the model source itself ("#/groups/dirs/attributes"); nothing is ever
fetched, for a registry that follows addresses which a client gives can be sent anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote

from chappe.registry.errors import RegistryError

_DEPTH: Final = 100  # of nesting; the official models have 20
_NODES: Final = 200_000  # includes of includes double; the official models have 10,000


def resolved(source: Mapping[str, Any]) -> dict[str, Any]:
    """The source with what its directives include in their place; siblings win, then earlier ones.

    Raises:
        RegistryError: model_error, for a reference that is not in the source, is circular, or
            makes the model too large.
    """
    return _Include(source).object(source, 0)


class _Include:
    def __init__(self, source: Mapping[str, Any]) -> None:
        self._source = source
        self._open: list[str] = []
        self._nodes = 0

    def object(self, value: Mapping[str, Any], depth: int) -> dict[str, Any]:
        if depth > _DEPTH:
            raise _error(f"it is nested more than {_DEPTH} levels deep")
        self._nodes += 1 + len(value)
        if self._nodes > _NODES:
            raise _error(f"with its includes it has more than {_NODES} parts")
        result = {
            key: self._any(one, depth + 1)
            for key, one in value.items()
            if key not in ("$include", "$includes")
        }
        for reference in _references(value):
            if reference in self._open:
                raise _error(f'the include "{reference}" is circular')
            self._open.append(reference)
            for key, one in self.object(self._at(reference), depth + 1).items():
                result.setdefault(key, one)
            self._open.pop()
        return result

    def _any(self, value: Any, depth: int) -> Any:
        if isinstance(value, Mapping):
            return self.object(value, depth)
        if isinstance(value, list):
            if depth > _DEPTH:
                raise _error(f"it is nested more than {_DEPTH} levels deep")
            self._nodes += len(value)
            return [self._any(one, depth + 1) for one in value]
        return value

    def _at(self, reference: str) -> Mapping[str, Any]:
        """The object that a reference names (RFC 6901 section 6)."""
        document, separator, fragment = reference.partition("#")
        if document or not separator:
            raise _error(
                f'the include "{reference}" is not in this model; the registry fetches nothing, '
                'so an include must be of the form "#/JSON/POINTER"'
            )
        pointer = unquote(fragment)
        if pointer and not pointer.startswith("/"):
            raise _error(f'the include "{reference}" is no JSON pointer: "/" must follow "#"')
        found: Any = self._source
        for token in pointer.split("/")[1:]:
            key = token.replace("~1", "/").replace("~0", "~")
            if isinstance(found, Mapping) and key in found:
                found = found[key]
            elif isinstance(found, list) and key.isdecimal() and int(key) < len(found):
                found = found[int(key)]
            else:
                raise _error(f'the include "{reference}" names nothing: there is no "{key}"')
        if not isinstance(found, Mapping):
            raise _error(f'the include "{reference}" does not name an object')
        return found


def _references(value: Mapping[str, Any]) -> list[str]:
    if "$include" in value and "$includes" in value:
        raise _error('"$include" and "$includes" must not stand side by side')
    references = [value["$include"]] if "$include" in value else value.get("$includes", [])
    if not isinstance(references, list):
        raise _error('"$includes" must be an array of strings')
    for reference in references:
        if not isinstance(reference, str):
            raise _error('"$include" must be a string')
    return references


def _error(detail: str) -> RegistryError:
    return RegistryError("model_error", "/model", error_detail=detail)
