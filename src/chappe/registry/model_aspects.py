"""Reading aspects of a model source: their JSON types, and names that the model language lacks."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from chappe.registry.errors import RegistryError
from chappe.registry.values import KEY


def model_error(detail: str) -> RegistryError:
    """The model breaks a rule of core/model.md."""
    return RegistryError("model_error", "/model", error_detail=detail)


class Aspects:
    """One object of a model source, read aspect by aspect.

    `where` is the object's place for messages ("groups.dirs.resources.files.name"; "" is the model).
    An aspect that is null is absent.

    Raises (all methods):
        RegistryError: parsing_data when an aspect has the wrong JSON type.
    """

    __slots__ = ("_value", "where")

    def __init__(self, value: Mapping[str, Any], where: str) -> None:
        self._value = value
        self.where = where

    def known(self, names: frozenset[str]) -> None:
        """Refuse aspects that the model language does not have (core/model.md: a MUST)."""
        for name in self._value:
            if name not in names:
                place = f' in "{self.where}"' if self.where else ""
                raise model_error(f'"{name}"{place} is no part of the model language')

    def has(self, name: str) -> bool:
        return self._value.get(name) is not None

    def any(self, name: str) -> Any:
        return self._value.get(name)

    def text(self, name: str, default: str = "") -> str:
        value = self._value.get(name)
        if value is None:
            return default
        if not isinstance(value, str):
            raise self._wrong(name, "string", value)
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        value = self._value.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self._wrong(name, "boolean", value)
        return value

    def count(self, name: str) -> int:
        value = self._value.get(name)
        if value is None:
            return 0
        if isinstance(value, bool) or not isinstance(value, int):
            raise self._wrong(name, "integer", value)
        return value

    def array(self, name: str) -> list[Any]:
        value = self._value.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self._wrong(name, "array", value)
        return value

    def object(self, name: str) -> Mapping[str, Any]:
        value = self._value.get(name)
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            raise self._wrong(name, "object", value)
        return value

    def labels(self) -> None:
        """Check `labels`: a map of string-string."""
        place = f"{self.where}.labels" if self.where else "labels"
        for key, value in self.object("labels").items():
            if not KEY.fullmatch(key):
                raise model_error(
                    f'map key name "{key}" in "{place}" must match: '
                    r"^[a-z0-9][a-z0-9_.:\-]{0,62}$"
                )
            if not isinstance(value, str):
                raise Aspects({key: value}, place)._wrong(key, "string", value)

    def texts(self, *names: str) -> None:
        """Check aspects that only people read."""
        for name in names:
            self.text(name)

    def _wrong(self, name: str, expected: str, value: Any) -> RegistryError:
        place = f"{self.where}.{name}" if self.where else name
        return RegistryError(
            "parsing_data",
            "/model",
            error_detail=f'path \'{place}\': expected "{expected}", got "{json_type(value)}"',
        )


def json_type(value: Any) -> str:
    """What JSON calls a value's type."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case str():
            return "string"
        case int() | float() | Decimal():
            return "number"
        case Mapping():
            return "object"
        case _:
            return "array"
