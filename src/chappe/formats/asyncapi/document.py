"""A document that somebody sent, and the references within it.

Nothing is ever fetched: a reference leads to another place of the same document ("#/components/…"), or
the document is refused. Places are named by JSON pointers (RFC 6901), as in "/channels/orders/messages".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import unquote

from chappe.domain.errors import Malformed
from chappe.formats.fields import kind_of, shortened

MAX_DEPTH: Final = 100
MAX_NODES: Final = 500_000
MAX_HOPS: Final = 20
"""References that one place may lead over: a circle ends here."""
MAX_STEPS: Final = 1_000_000
"""Places that are looked at, each as often as another refers to it."""

_INDEX: Final = re.compile(r"0|[1-9][0-9]{0,8}", re.ASCII)


def check_size(root: object) -> None:
    """Whether the document can be walked through.

    Raises:
        Malformed: it is nested too deeply, or has too many values.
    """
    count, level = 0, [root]
    for depth in range(MAX_DEPTH + 1):
        if not level:
            return
        if depth == MAX_DEPTH:
            break
        below: list[object] = []
        for one in level:
            if isinstance(one, dict):
                below += one.values()
            elif isinstance(one, list):
                below += one
        count += len(level)
        if count + len(below) > MAX_NODES:
            raise Malformed(f"document: it has over {MAX_NODES:,} values; part it")
        level = below
    raise Malformed(f"document: nested deeper than {MAX_DEPTH} levels")


class Document:
    """The whole, to look places up in."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self.root = root
        self._left = MAX_STEPS

    def spend(self, steps: int = 1) -> None:
        """Count what reading costs beyond the document's own size.

        Raises:
            Malformed: it is too much, because parts are used by very many others.
        """
        self._left -= steps
        if self._left < 0:
            raise Malformed(
                f"document: its parts refer to one another over {MAX_STEPS:,} times; part it"
            )

    def resolved(self, node: object, at: str) -> tuple[object, str]:
        """What stands at a place once no reference stands there any more, and where that is.

        Raises:
            Malformed: a reference leads out of the document, to nothing, or round in a circle.
        """
        for _ in range(MAX_HOPS):
            self.spend()
            if not isinstance(node, dict) or "$ref" not in node:
                return node, at
            target = local(node["$ref"], f"{at}/$ref")
            node, at = self.at(target, f"{at}/$ref"), target
        raise Malformed(f"{at}: leads over more than {MAX_HOPS} references; is it a circle?")

    def at(self, pointer: str, by: str) -> object:
        """The value that a pointer leads to; `by` is where the pointer stands.

        Raises:
            Malformed: there is none.
        """
        node: object = self.root
        for token in tokens(pointer):
            if isinstance(node, dict) and token in node:
                node = node[token]
            elif isinstance(node, list) and _INDEX.fullmatch(token) and int(token) < len(node):
                node = node[int(token)]
            else:
                raise Malformed(f"{by}: {shortened(f'#{pointer}')} leads to nothing")
        return node

    def object_at(self, node: object, at: str) -> tuple[dict[str, Any], str]:
        """As `resolved`, of what must be an object."""
        found, where = self.resolved(node, at)
        if not isinstance(found, dict):
            raise Malformed(f"{at}: {kind_of(found)} was sent, an object is needed")
        return found, where

    def members(
        self, parent: Mapping[str, Any], name: str, at: str
    ) -> Iterator[tuple[str, Any, str]]:
        """The members of a map that may be absent: key, value as it stands, place."""
        value = parent.get(name)
        if value is None:
            return
        found, where = self.object_at(value, f"{at}/{name}")
        for key, one in found.items():
            yield key, one, f"{where}/{escaped(key)}"


def local(reference: object, at: str) -> str:
    """The pointer in a reference: "#/components/messages/a" -> "/components/messages/a".

    Raises:
        Malformed: it leads out of the document, or is none.
    """
    if not isinstance(reference, str):
        raise Malformed(f"{at}: {kind_of(reference)} was sent, a string is needed")
    if reference == "#":
        return ""
    if not reference.startswith("#/"):
        raise Malformed(
            f"{at}: {shortened(reference)} leads out of the document; nothing is fetched,"
            " so bundle the document first (only '#/…' is followed)"
        )
    return normal(unquote(reference[1:]))


def values_in(node: object) -> int:
    """How many values there are in a value, itself among them."""
    count, waiting = 0, [node]
    while waiting:
        one = waiting.pop()
        count += 1
        if isinstance(one, dict):
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
    return count


def normal(pointer: str) -> str:
    """A pointer in its one spelling."""
    return "".join(f"/{escaped(token)}" for token in tokens(pointer))


def tokens(pointer: str) -> list[str]:
    """The names on the way: "/a~1b/c" -> ["a/b", "c"]."""
    return [one.replace("~1", "/").replace("~0", "~") for one in pointer.split("/")[1:]]


def escaped(token: str) -> str:
    """A name as it stands in a pointer: "a/b" -> "a~1b"."""
    return token.replace("~", "~0").replace("/", "~1")
