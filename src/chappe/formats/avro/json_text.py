"""JSON text as Jackson writes it, which is how Java's tools write Avro schemas.

Numbers with a fraction are written as Java does: 1e10 -> "1.0E10", 0.0001 -> "1.0E-4".
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

_UNPLAIN = re.compile(r'[\x00-\x1f"\\]')
_ESCAPES: Final = {
    '"': '\\"',
    "\\": "\\\\",
    "\b": "\\b",
    "\t": "\\t",
    "\n": "\\n",
    "\f": "\\f",
    "\r": "\\r",
}


def quoted(text: str) -> str:
    """A JSON string."""
    if _UNPLAIN.search(text) is None:
        return f'"{text}"'
    return f'"{_UNPLAIN.sub(_escaped, text)}"'


def json_text(value: object, *, ordered: bool = False) -> str:
    """JSON text without white space; `ordered` puts the members of objects in the order of names."""
    out: list[str] = []
    _write(value, out, ordered=ordered)
    return "".join(out)


def utf16_order(text: str) -> bytes:
    """The key by which Java puts strings in order."""
    return text.encode("utf-16-be", "surrogatepass")


def _write(value: object, out: list[str], *, ordered: bool) -> None:
    match value:
        case None:
            out.append("null")
        case bool():
            out.append("true" if value else "false")
        case str():
            out.append(quoted(value))
        case int():
            out.append(str(value))
        case float():
            out.append(_double(value))
        case Mapping():
            before = "{"
            names = sorted(value, key=utf16_order) if ordered else value
            for name in names:
                out.append(f"{before}{quoted(name)}:")
                _write(value[name], out, ordered=ordered)
                before = ","
            out.append("}" if value else "{}")
        case list():
            before = "["
            for item in value:
                out.append(before)
                _write(item, out, ordered=ordered)
                before = ","
            out.append("]" if value else "[]")
        case _:
            raise TypeError(f"{type(value).__name__} is no JSON value")


def _double(value: float) -> str:
    """The shortest digits that tell the number, laid out as Java's Double.toString does."""
    if not math.isfinite(value):
        return f'"{"NaN" if value != value else "Infinity" if value > 0 else "-Infinity"}"'
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return repr(value)
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    assert isinstance(exponent, int)
    first, rest = digits[0], "".join(map(str, digits[1:])) or "0"
    return f"{'-' if sign else ''}{first}.{rest}E{exponent + len(digits) - 1}"


def _escaped(found: re.Match[str]) -> str:
    character = found.group()
    return _ESCAPES.get(character) or f"\\u{ord(character):04X}"
