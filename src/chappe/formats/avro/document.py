"""The JSON of schema documents: what is read of it before it means anything."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, cast

import msgspec

from chappe.domain.errors import Malformed
from chappe.formats.avro.names import qualified
from chappe.formats.avro.tree import Properties
from chappe.formats.fields import kind_of, shortened

MAX_SCHEMA_BYTES: Final = 1 << 20
MAX_JSON_DEPTH: Final = 400
NO_PROPERTIES: Final[Properties] = {}

_FLOAT = re.compile(r"NaN|[+-]?(?:Infinity|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)")

_decode = msgspec.json.Decoder().decode


def read_document(document: bytes, where: str) -> object:
    if len(document) > MAX_SCHEMA_BYTES:
        raise Malformed(f"{where}: {len(document)} bytes; at most {MAX_SCHEMA_BYTES} are possible")
    try:
        value: object = _decode(document)
    except RecursionError:
        raise Malformed(f"{where}: nested too deeply") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as exc:
        raise Malformed(f"{where}: not JSON: {exc}") from None
    level, depth = [value] if isinstance(value, dict | list) else [], 0
    while level:
        depth += 1
        if depth > MAX_JSON_DEPTH:
            raise Malformed(f"{where}: nested more than {MAX_JSON_DEPTH} deep")
        level = [
            part
            for each in level
            for part in (each.values() if isinstance(each, dict) else each)
            if isinstance(part, dict | list)
        ]
    return value


def definitions(document: object) -> Iterator[str]:
    """The full names of the types that a document seems to define."""
    waiting: list[tuple[object, str]] = [(document, "")]
    while waiting:
        node, space = waiting.pop()
        if isinstance(node, list):
            waiting.extend((part, space) for part in node)
        elif isinstance(node, dict):
            if node.get("type") in ("record", "error", "enum", "fixed"):
                own, text = node.get("namespace"), node.get("name")
                if isinstance(text, str):
                    name = qualified(text, own if isinstance(own, str) else space)
                    yield name.full
                    space = name.space
            waiting.extend(
                (node[key], space) for key in ("type", "fields", "items", "values") if key in node
            )


def sent(node: dict[str, object], key: str) -> str:
    return f"{shortened(node[key])} was sent" if key in node else "nothing was sent"


def some(names: Mapping[str, None]) -> str:
    shown = [shortened(name) for name in list(names)[:10]]
    return ", ".join(shown) + (", …" if len(names) > 10 else "") if shown else "none"


def doc_of(node: dict[str, object]) -> str | None:
    doc = node.get("doc")
    return doc if isinstance(doc, str) else None


def array_of(node: dict[str, object], key: str, where: str) -> list[object]:
    value = node.get(key)
    if not isinstance(value, list):
        raise Malformed(f"{where}/{key}: {sent(node, key)}, an array is needed")
    return value


def aliases_of(node: dict[str, object], where: str) -> Sequence[str]:
    if node.get("aliases") is None:
        return ()
    aliases = array_of(node, "aliases", where)
    for at, alias in enumerate(aliases):
        if not isinstance(alias, str):
            raise Malformed(f"{where}/aliases/{at}: {kind_of(alias)} was sent, a string is needed")
    return tuple(dict.fromkeys(cast(list[str], aliases)))


def properties_of(node: dict[str, object], reserved: frozenset[str]) -> Properties:
    if node.keys() <= reserved:
        return NO_PROPERTIES
    return {key: value for key, value in node.items() if key not in reserved}


def as_float(text: str, where: str) -> float:
    """A number that stands as a string, such as "NaN", which Java takes."""
    if _FLOAT.fullmatch(text) is None:
        raise Malformed(f"{where}: {shortened(text)} is no number")
    return float(text)
