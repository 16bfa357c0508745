"""JSON bodies, read exactly: no number loses digits, nothing is silently dropped.

`1.10` stays Decimal("1.10"); an object that has a key twice, NaN, an infinity, half a surrogate pair,
a number that no decimal floating point holds and nesting beyond the limit are refused
(core/spec.md "parsing_data").
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final, NoReturn

from chappe.registry.errors import RegistryError

MAX_EXPONENT: Final = 6144
"""The largest that IEEE 754's decimal128 has; beyond it arithmetic with a number takes for ever."""

MAX_DIGITS: Final = 1000

_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_OPENING = re.compile(rb"[\[{]")


def parse_json(body: bytes, *, subject: str, depth: int) -> Any:
    """The value of a JSON text.

    Raises:
        RegistryError: parsing_data.
    """
    if body.startswith(b"\xef\xbb\xbf"):
        body = body[3:]  # RFC 8259 8.1: a byte order mark may be ignored
    try:
        value = _DECODER.decode(body.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise _wrong(f"byte {error.start + 1} is no UTF-8", subject) from None
    except json.JSONDecodeError as error:
        reason = error.msg.removesuffix(" starting at")
        raise _wrong(f"{reason} at line {error.lineno}, column {error.colno}", subject) from None
    except RecursionError:
        raise _wrong(f"nested deeper than {depth} levels", subject) from None
    except ValueError as error:
        raise _wrong(str(error), subject) from None
    if len(_OPENING.findall(body)) > depth and _is_deeper(value, depth):
        raise _wrong(f"nested deeper than {depth} levels", subject)
    if _SURROGATE.search(body):
        _check_unicode(value, subject)
    return value


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise ValueError(f'an object has the key "{name}" twice')
            seen.add(name)
    return result


def _number(text: str) -> Decimal:
    value = Decimal(text)
    if len(text) > MAX_DIGITS or (value and not -MAX_EXPONENT <= value.adjusted() <= MAX_EXPONENT):
        raise ValueError(f'the number "{text[:40]}" is too large, too small or too long')
    return value


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ValueError(f'the number "{text[:40]}…" has more than {MAX_DIGITS} digits')
    return int(text)


def _constant(text: str) -> NoReturn:
    raise ValueError(f'"{text}" is no JSON')


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_float=_number,
    parse_int=_integer,
    parse_constant=_constant,
    strict=True,
)


_NESTING: Final = frozenset({dict, list})


def _is_deeper(value: Any, depth: int) -> bool:
    level: list[Any] = [value] if type(value) in _NESTING else []
    for _ in range(depth):
        below: list[Any] = []
        for one in level:
            items = one.values() if type(one) is dict else one
            below += [item for item in items if type(item) in _NESTING]
        if not below:
            return False
        level = below
    return True


def _check_unicode(value: Any, subject: str) -> None:
    try:
        json.dumps(value, ensure_ascii=False, default=str).encode("utf-8")
    except UnicodeEncodeError:
        raise _wrong("half of a surrogate pair is no text", subject) from None


def _wrong(detail: str, subject: str) -> RegistryError:
    return RegistryError("parsing_data", subject, error_detail=detail)
