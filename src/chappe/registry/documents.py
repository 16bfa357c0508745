"""How a version's document is inlined: as JSON, as a string, or in base64.

(core/spec.md "`<RESOURCE>` Attribute", core/model.md "typemap")
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import msgspec

from chappe.registry.entity import Version
from chappe.registry.model import ResourceType
from chappe.registry.pieces import encoded

_IMPLICIT: Final[Mapping[str, str]] = {
    "application/json": "json",
    "*+json": "json",
    "text/plain": "string",
}
_json: Final = msgspec.json.Decoder(msgspec.Raw)


def representation(contenttype: str, typemap: Mapping[str, str]) -> str:
    """What the typemap has for a content type: "json", "string" or "binary".

    Keys match without regard to case, the content type without its parameters. A key of the type's
    overrides the implicit one of that name; where several match and differ, it is "binary".
    """
    return _representation(contenttype, tuple(typemap.items()))


@lru_cache(maxsize=1024)
def _representation(contenttype: str, typemap: tuple[tuple[str, str], ...]) -> str:
    media = contenttype.partition(";")[0].strip().lower()
    entries = {**_IMPLICIT, **{key.lower(): value.lower() for key, value in typemap}}
    found = {value for key, value in entries.items() if _matches(key, media)}
    return found.pop() if len(found) == 1 else "binary"


def _matches(key: str, media: str) -> bool:
    before, star, after = key.partition("*")
    if not star:
        return key == media
    return (
        len(media) >= len(before) + len(after)
        and media.startswith(before)
        and media.endswith(after)
    )


def inlined(version: Version, type: ResourceType, *, binary: bool) -> str:
    """`,"<RESOURCE>":…` or `,"<RESOURCE>base64":"…"`.

    "" where no document was ever given, or a URL says where it is.
    """
    document, name = version.document, type.singular
    if document is None:
        return ""
    if not document:
        return "" if type.is_elsewhere(version.attributes) else f',"{name}base64":""'
    kind = "binary"
    if not binary:
        kind = representation(version.attributes.get("contenttype") or "", type.typemap)
    if kind != "binary":
        text = _text(document)
        if text is not None and kind == "string":
            return f',"{name}":{encoded(text)}'
        if text is not None and _is_json(document):
            return f',"{name}":{text}'
    return f',"{name}base64":"{b64encode(document).decode()}"'


def _text(document: bytes) -> str | None:
    try:
        return document.decode()
    except UnicodeDecodeError:
        return None


def _is_json(document: bytes) -> bool:
    try:
        _json.decode(document)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True
