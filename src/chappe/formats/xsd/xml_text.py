"""XML read safely: no document type, no entities, no network, no file, bounded depth.

The parser is libxml2's. Before it sees a text, whatever could make it do more than parse is refused:
a document type (entities, external subsets) and encodings in which one could hide.
"""

from __future__ import annotations

import re
from typing import Final, TypeAlias

from lxml import etree

Element: TypeAlias = "etree._Element"

_DOCTYPE: Final = b"<!DOCTYPE"
_DECLARATION = re.compile(
    rb"<\?xml(?=\s)[^>]{0,200}?\sencoding\s*=\s*[\"']([A-Za-z0-9._-]{1,40})[\"'][^>]{0,200}?>"
)
_TEXT_DECLARATION = re.compile(r"<\?xml(?=\s)[^>]{0,400}?>")
# How UTF-32 and EBCDIC begin (XML 1.0 appendix F).
_REFUSED: Final = (*(b"\xff\xfe\0\0", b"\0\0\xfe\xff", b"<\0\0\0", b"\0\0\0<", b"Lo\xa7\x94"),)
_SPACE = re.compile(rb"[ \t\r\n]*")
# In these every "<!DOCTYPE" is the same nine bytes; UTF-7 or EBCDIC could say it in others.
_ENCODING = re.compile(rb"utf-?8|us-ascii|ascii|iso-?8859-?\d{1,2}|windows-125\d", re.I)


class NotXml(Exception):
    """The text is no XML that may be read; the message tells why."""


def safe_bytes(data: bytes) -> bytes:
    """The same document in an encoding of which ASCII is a part, known to have no document type.

    Raises:
        NotXml: it has one, or its encoding is none that is served.
    """
    if data[:4] in _REFUSED:
        raise NotXml("the encoding is none of UTF-8, UTF-16, ISO-8859 and Windows-125x")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff", b"<\0", b"\0<"):
        data = _from_utf16(data)
    start = data.removeprefix(b"\xef\xbb\xbf")
    if start.startswith(b"<?xml"):
        declared = _DECLARATION.match(start)
        if declared is not None and _ENCODING.fullmatch(declared[1]) is None:
            raise NotXml(
                f"the encoding {declared[1].decode()!r} is none of"
                " UTF-8, UTF-16, ISO-8859 and Windows-125x"
            )
        if declared is None and re.match(rb"<\?xml\s[^>]*encoding", start):
            raise NotXml("the XML declaration is not well-formed")
    if _DOCTYPE in data and _has_doctype(start):
        raise NotXml("it has a document type (<!DOCTYPE …>); none is read, nor are its entities")
    return data


def parser(**more: object) -> etree.XMLParser:
    """A parser that reads nothing but what it is given."""
    return etree.XMLParser(  # type: ignore[call-overload,no-any-return]
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        huge_tree=False,
        collect_ids=False,
        **more,
    )


def read_xml(data: bytes, reading: etree.XMLParser | None = None) -> Element:
    """The root element of a document; `reading` is another parser made by `parser`.

    Raises:
        NotXml: it is not well-formed, or has what `safe_bytes` refuses.
    """
    try:
        root = etree.fromstring(safe_bytes(data), reading or _plain)
    except etree.XMLSyntaxError as exc:
        raise NotXml(f"not well-formed: {exc.msg}") from None
    except ValueError as exc:
        raise NotXml(f"not well-formed: {exc}") from None
    # The second lock: whatever the bytes looked like, the parser's own word counts too.
    if root.getroottree().docinfo.doctype:
        raise NotXml("it has a document type (<!DOCTYPE …>); none is read, nor are its entities")
    return root


_plain: Final = parser()


def _from_utf16(data: bytes) -> bytes:
    """UTF-16 (with a byte order mark, or told by its first character) as UTF-8."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        codec = "utf-16"
    else:
        codec = "utf-16-le" if data[:1] == b"<" else "utf-16-be"
    try:
        text = data.decode(codec)
    except UnicodeDecodeError as exc:
        raise NotXml(f"not well-formed: {exc.reason} in UTF-16 at byte {exc.start}") from None
    return _TEXT_DECLARATION.sub("", text, count=1).encode()


def _has_doctype(data: bytes) -> bool:
    """Whether a document type stands in the prolog, not in a comment or a CDATA section."""
    at = 0
    while True:
        at = _SPACE.match(data, at).end()  # type: ignore[union-attr]  # it matches nothing too
        if data.startswith(b"<?", at):
            at = data.find(b"?>", at)
        elif data.startswith(b"<!--", at):
            at = data.find(b"-->", at + 4)
        else:
            return data.startswith(_DOCTYPE, at)
        if at < 0:
            return False
        at += 2 if data.startswith(b"?>", at) else 3
