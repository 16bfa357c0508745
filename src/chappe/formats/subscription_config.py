"""`config` of a subscription against what the hub's endpoint declares (subscriptions/spec.md 3.2.1 config).

{"interval": "integer"} declared, {"interval": "5"} sent
    -> Malformed("config/interval: '5' is a string; `subscriptionconfig` of the endpoint … wants an integer")
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from chappe.domain.errors import Malformed
from chappe.formats.fields import kind_of, shortened
from chappe.formats.times import is_rfc3339

_OF_TEXT: Final = ("string", "uri", "url", "urireference", "binary")
_TESTS: Final[Mapping[str, Callable[[object], bool]]] = {
    **{name: lambda value: isinstance(value, str) for name in _OF_TEXT},
    "timestamp": lambda value: isinstance(value, str) and is_rfc3339(value),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: _is_number(value) and float(str(value)).is_integer(),
    "number": lambda value: _is_number(value),
    "decimal": lambda value: _is_number(value),
    "array": lambda value: isinstance(value, list | tuple),
    "map": lambda value: isinstance(value, Mapping),
    "object": lambda value: isinstance(value, Mapping),
}


def check_config(config: Mapping[str, Any], declared: Mapping[str, Any], endpoint: str) -> None:
    """See that each key is declared, and its value of the declared type.

    Types are CloudEvents' and JSON's, in any case; a type that is none of them takes every value.

    Raises:
        Malformed: a key is unknown, or a value is of another type.
    """
    by = f"`subscriptionconfig` of the endpoint {endpoint}"
    for key, value in config.items():
        if key not in declared:
            raise Malformed(f"config/{key}: is not declared; {by} has: {', '.join(declared)}")
        wanted = str(declared[key])
        test = _TESTS.get(wanted.lower().replace("-", ""))
        if test is not None and not test(value):
            plain = float(value) if isinstance(value, Decimal) else value
            raise Malformed(
                f"config/{key}: {shortened(plain)} is {kind_of(plain)}; {by} declares {wanted!r}"
            )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)
