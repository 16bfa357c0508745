"""Attributes as HTTP headers and back (core/http.md "HTTP Header Values", "Serializing Resource
Domain-Specific Documents").

    {"name": "Euro €", "labels": {"a.b": "1"}}  <->  xRegistry-name: Euro%20%E2%82%AC
                                                     xRegistry-labels.a.b: 1
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote, unquote_to_bytes

from chappe.http.exchange import Header
from chappe.registry.errors import RegistryError
from chappe.registry.model import AttributeSet, ResourceType
from chappe.registry.request import DocumentWrite

PREFIX: Final = b"xregistry-"
SHOWN_PREFIX: Final = "xRegistry-"

# All that need not be encoded: U+0021-7E without the double quote and the percent sign.
_PLAIN = "!#$&'()*+,-./:;<=>?@[\\]^_`{|}~"
_NEEDS_NO_ENCODING = re.compile("[!#$&-~]*+").fullmatch
_PIECE = re.compile(r'[^"]++|"((?:[^"\\]++|\\.)*+)"')
_ESCAPED = re.compile(r"\\(.)")
_BROKEN_PERCENT = re.compile("%(?![0-9A-Fa-f]{2})")


def encode_value(text: str) -> bytes:
    """A text as the value of a header."""
    if _NEEDS_NO_ENCODING(text):
        return text.encode("ascii")
    return quote(text, safe=_PLAIN).encode("ascii")


def decode_value(name: str, raw: bytes, *, subject: str) -> str:
    """The text in a header's value: double quotes undone, then one round of percent-encoding.

    Raises:
        RegistryError: header_error: bytes outside US-ASCII, an open quote, a percent sign without two
            hexadecimal digits, or bytes that are no UTF-8.
    """
    try:
        text = raw.decode("ascii").strip(" \t")
    except UnicodeDecodeError:
        raise _wrong(name, "must be percent-encoded outside US-ASCII", subject) from None
    if '"' in text:
        unquoted = _unquoted(text)
        if unquoted is None:
            raise _wrong(name, "must close its double quote", subject)
        text = unquoted
    if "%" in text:
        if _BROKEN_PERCENT.search(text):
            raise _wrong(name, 'must have two hexadecimal digits after each "%"', subject)
        try:
            text = unquote_to_bytes(text).decode("utf-8")
        except UnicodeDecodeError:
            raise _wrong(name, "must be UTF-8 once it is percent-decoded", subject) from None
    return text


def _unquoted(text: str) -> str | None:
    """The text without its double quotes; None where one is not closed.

    Piece by piece from the left: a search for the next quoted part would begin anew at each quote.
    """
    pieces: list[str] = []
    at = 0
    while at < len(text):
        found = _PIECE.match(text, at)
        if found is None:
            return None
        pieces.append(found[0] if found[1] is None else _ESCAPED.sub(r"\1", found[1]))
        at = found.end()
    return "".join(pieces)


def has_attributes(headers: Sequence[Header]) -> bytes | None:
    """The name of the first header that carries an attribute."""
    return next((name for name, _ in headers if name.startswith(PREFIX)), None)


def document_write(
    headers: Sequence[Header], body: bytes, type: ResourceType, *, subject: str
) -> DocumentWrite:
    """A document with the attributes beside it.

    Raises:
        RegistryError: header_error, or extra_xregistry_header: the document cannot be a header, nor
            stand beside a `<R>url`, and the content type has a header of its own.
    """
    attributes: dict[str, Any] = {}
    contenttype: str | None = None
    for raw_name, value in headers:
        if raw_name == b"content-type":
            contenttype = _content_type(value, subject)
        elif raw_name.startswith(PREFIX):
            attribute = raw_name[len(PREFIX) :].decode("ascii", "replace")
            _add(attributes, attribute, value, type, subject)
    for url in type.url_names:
        if body and attributes.get(url) is not None:
            raise RegistryError(
                "extra_xregistry_header",
                subject,
                name=SHOWN_PREFIX + url,
                error_detail="header isn't allowed if there's a body",
            )
    return DocumentWrite(body, attributes, contenttype)


def _content_type(value: bytes, subject: str) -> str | None:
    try:
        return value.decode("ascii").strip() or None
    except UnicodeDecodeError:
        raise _wrong("Content-Type", "must be US-ASCII", subject) from None


def _add(
    attributes: dict[str, Any], attribute: str, value: bytes, type: ResourceType, subject: str
) -> None:
    name = SHOWN_PREFIX + attribute
    if not attribute:
        raise _wrong(name, 'missing an attribute name after the "-"', subject)
    if attribute in (type.singular, f"{type.singular}base64"):
        raise RegistryError(
            "extra_xregistry_header",
            subject,
            name=name,
            error_detail=f"'{name}' isn't a valid HTTP header",
        )
    if attribute == "contenttype":
        raise RegistryError(
            "extra_xregistry_header",
            subject,
            name=name,
            error_detail='the attribute "contenttype" is the header "Content-Type"',
        )
    # "null" deletes; a text that is to be "null" can be sent in quotes or percent-encoded.
    text = None if value.strip(b" \t") == b"null" else decode_value(name, value, subject=subject)
    map_name, dot, key = attribute.partition(".")
    if dot and not (map_name and key):
        raise _wrong(name, "must be a map's name, a dot and a key", subject)
    present = attributes.get(map_name)
    if not dot:
        if (
            attribute in attributes
            and present != text
            and not (isinstance(present, dict) and not text)
            and _may_be(attribute, type.version)
        ):
            raise _wrong(name, "stands twice, or beside headers of the map's keys", subject)
        attributes.setdefault(attribute, text)
        return
    entries = {} if present is None else present  # "null" first: the map is emptied, then filled
    if not isinstance(entries, dict) or entries.get(key, text) != text:
        if not _may_be(map_name, type.version):
            return
        raise _wrong(name, "stands twice, or beside a header of the whole map", subject)
    if text is not None:
        entries[key] = text
    attributes[map_name] = entries


def _may_be(name: str, definitions: AttributeSet) -> bool:
    """Whether an entity can have an attribute; if not, that is its error, however it was sent."""
    if definitions.get(name) is not None or definitions.others is not None:
        return True
    return any(
        _may_be(name, siblings)
        for attribute in definitions.by_name.values()
        for siblings in attribute.ifvalues.values()
    )


_FIELD_NAME = re.compile(r"[0-9A-Za-z!#$%&'*+.^_`|~-]+", re.ASCII).fullmatch


def attribute_headers(attributes: Mapping[str, str]) -> list[Header]:
    """The headers of a document's attributes, given as texts; a map's are named "labels.<key>".

    A map's key that no header's name can hold, such as "a:b", has none.
    """
    named = ((_field_name(name), text) for name, text in attributes.items())
    return [(name, encode_value(text)) for name, text in named if name is not None]


@lru_cache(maxsize=4096)
def _field_name(attribute: str) -> bytes | None:
    return PREFIX + attribute.encode("ascii") if _FIELD_NAME(attribute) else None


def _wrong(name: str, detail: str, subject: str) -> RegistryError:
    return RegistryError("header_error", subject, name=name, error_detail=detail)
