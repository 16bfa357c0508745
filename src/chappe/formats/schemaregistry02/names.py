"""Ids of groups and schemas (spec.md 2.1.1, 2.2.4), and the ids that they have in the registry.

    0.2's id          as shown      the registry's id
    "orders"          "orders"      "orders"
    "a+b"             "a+b"         "a~2bb"
    "a b"             "a%20b"       "a~20b"

An id is one segment of a path (RFC 3986 segment-nz-nc). It is shown percent-encoded, so that it can be
put into a path as it is, and compared decoded. The registry allows fewer characters, and no two ids that
differ by case alone; what it does not allow is escaped as the Confluent API does, so both show the same.
"""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import quote

from chappe.domain.errors import Conflict, Malformed
from chappe.formats.confluent.names import subject_ids, subject_of
from chappe.registry.entity import Collection

_SEGMENT: Final = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=@-]|%[0-9A-Fa-f]{2})+")
_SAFE: Final = "!$&'()*+,;=@"
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


def shown(name: str) -> str:
    """An id as the API shows it."""
    return quote(name, safe=_SAFE)


def is_segment(text: str) -> bool:
    """Whether a text, as it was sent, is a non-empty segment without a colon."""
    return _SEGMENT.fullmatch(text) is not None


def find_id(present: Collection[Any], name: str) -> str | None:
    """The registry's id of what is called so; None where nothing is."""
    id = _spelt(present, name)
    if id is None and name in present and name_of(present, name) == name:
        return name
    return id


def name_of(present: Collection[Any], id: str) -> str:
    """What an entity of the registry is called, unless that is the name of another: then its id."""
    if "~" not in id:
        return id
    name = subject_of(id)
    return name if _spelt(present, name) == id else id


def free_id(present: Collection[Any], name: str, *, sent: str, what: str) -> str:
    """The id that something of a new name gets in the registry.

    Args:
        present: what is there beside it.
        name: its name, decoded.
        sent: the same as it was sent.
        what: "group" or "schema", for messages.

    Raises:
        Malformed: it can be no id, or is too long.
        Conflict: the registry has another entity under every id that it could have.
    """
    if not is_segment(sent) or _CONTROL.search(name):
        raise Malformed(
            f"{what} {sent[:80]!r}: is no id; it holds letters, digits and -._~!$&'()*+,;=@, others"
            " percent-encoded (RFC 3986 segment-nz-nc)"
        )
    ids = [id for id in subject_ids(name) if subject_of(id) == name]
    if not ids:
        raise Malformed(f"{what} {sent[:40]!r}…: is longer than the 128 characters of an id")
    for id in ids:
        if id not in present and present.clash(id) is None:
            return id
    raise Conflict(f"{what} {sent!r}: the registry has another entity of the id {ids[-1]!r}")


def _spelt(present: Collection[Any], name: str) -> str | None:
    """The id that is a name, as this API and Confluent's spell it."""
    for id in subject_ids(name) if name else ():
        if id in present and subject_of(id) == name:
            return id
    return None
