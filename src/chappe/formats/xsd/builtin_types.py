"""The built-in simple types (XSD 1.0 part 2, section 3): whose children they are, and their facets."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

PARENTS: Final[Mapping[str, str]] = {
    "normalizedString": "string",
    "token": "normalizedString",
    "language": "token",
    "Name": "token",
    "NMTOKEN": "token",
    "NCName": "Name",
    "ID": "NCName",
    "IDREF": "NCName",
    "ENTITY": "NCName",
    "integer": "decimal",
    "nonPositiveInteger": "integer",
    "negativeInteger": "nonPositiveInteger",
    "long": "integer",
    "int": "long",
    "short": "int",
    "byte": "short",
    "nonNegativeInteger": "integer",
    "unsignedLong": "nonNegativeInteger",
    "unsignedInt": "unsignedLong",
    "unsignedShort": "unsignedInt",
    "unsignedByte": "unsignedShort",
    "positiveInteger": "nonNegativeInteger",
}

PRIMITIVES: Final = frozenset(
    (
        *(
            "string",
            "boolean",
            "decimal",
            "float",
            "double",
            "duration",
            "dateTime",
            "time",
            "date",
        ),
        *("gYearMonth", "gYear", "gMonthDay", "gDay", "gMonth", "hexBinary", "base64Binary"),
        *("anyURI", "QName", "NOTATION"),
    )
)

LISTS: Final[Mapping[str, str]] = {"NMTOKENS": "NMTOKEN", "IDREFS": "IDREF", "ENTITIES": "ENTITY"}

RANGES: Final[Mapping[str, tuple[Decimal | None, Decimal | None]]] = {
    "nonPositiveInteger": (None, Decimal(0)),
    "negativeInteger": (None, Decimal(-1)),
    "nonNegativeInteger": (Decimal(0), None),
    "positiveInteger": (Decimal(1), None),
    "long": (Decimal(-(2**63)), Decimal(2**63 - 1)),
    "int": (Decimal(-(2**31)), Decimal(2**31 - 1)),
    "short": (Decimal(-(2**15)), Decimal(2**15 - 1)),
    "byte": (Decimal(-(2**7)), Decimal(2**7 - 1)),
    "unsignedLong": (Decimal(0), Decimal(2**64 - 1)),
    "unsignedInt": (Decimal(0), Decimal(2**32 - 1)),
    "unsignedShort": (Decimal(0), Decimal(2**16 - 1)),
    "unsignedByte": (Decimal(0), Decimal(2**8 - 1)),
}


def ancestry(name: str) -> tuple[str, ...]:
    """The type and what it is derived from: "int" -> ("int", "long", "integer", "decimal")."""
    found = [name]
    while found[-1] in PARENTS:
        found.append(PARENTS[found[-1]])
    return tuple(found)


def white_space(name: str) -> str:
    """What becomes of white space in values of the type: "preserve", "replace" or "collapse"."""
    return {"string": "preserve", "normalizedString": "replace"}.get(name, "collapse")
