"""Names of Avro (specification, "Names"): how they are put together, and what is in them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from chappe.domain.errors import Malformed
from chappe.formats.avro.tree import PRIMITIVES, Name
from chappe.formats.fields import shortened

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RULE: Final = "a name begins with a letter or _ and goes on with letters, digits and _ (of ASCII)"
_LOOSE_RULE: Final = "a name begins with a letter or _ and goes on with letters, digits and _"


def is_name(text: str) -> bool:
    """Whether it is a simple name: "Order"."""
    return _NAME.fullmatch(text) is not None


def check_name(text: str, where: str, *, strict: bool) -> None:
    """Refuse what is no simple name.

    Args:
        text: the name.
        where: where it stands, for the message.
        strict: letters and digits are those of ASCII; otherwise those of any script, as in schemas
            that older registries took.

    Raises:
        Malformed: it is no name.
    """
    if _NAME.fullmatch(text) is None and (strict or not _is_loose_name(text)):
        raise Malformed(
            f"{where}: {shortened(text)} is no name: {_RULE if strict else _LOOSE_RULE}"
        )


def type_name(text: str, space: str, where: str, *, strict: bool) -> Name:
    """The name of a type that is defined within the namespace `space`: "a.B" is in "a" by itself.

    A loose name's namespace is taken as it is.

    Raises:
        Malformed: a part is no name, or the name is a primitive type's.
    """
    name = qualified(text, space)
    check_name(name.simple, where, strict=strict)
    if strict and name.space:
        for part in name.space.split("."):
            check_name(part, f"{where}: namespace {shortened(name.space)}", strict=True)
    if name.simple in PRIMITIVES and (strict or not name.space):
        raise Malformed(f"{where}: {shortened(name.full)}: no type can be named like a primitive")
    return name


def qualified(text: str, space: str) -> Name:
    """The full name that a name in a schema stands for: ("B", "a") and ("a.B", "") are one."""
    before, dot, simple = text.rpartition(".")
    return Name(before, simple) if dot else Name(space, text)


def _is_loose_name(text: str) -> bool:
    """Letters and digits as Java's Character knows them."""
    letter: Callable[[str], bool] = str.isalpha
    return bool(text) and all(
        part == "_" or letter(part) or (at and part.isdecimal()) for at, part in enumerate(text)
    )
