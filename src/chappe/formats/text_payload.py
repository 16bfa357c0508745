r"""Bytes that a format carries as text: in the charset of their media type, or in Base64.

Every other binding carries the payload as bytes in the declared charset, so a text whose type says
another one than UTF-8 becomes these bytes:

    "text/plain", "é"                        -> b"\xc3\xa9", text=True
    "text/plain; charset=iso-8859-1", "é"    -> b"\xe9", text=False
"""

from __future__ import annotations

import binascii
import re

from chappe.domain import attributes
from chappe.domain.errors import InvalidEvent

_UTF8_CHARSETS = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})
# Not every codec that Python knows: some are no charsets of IANA's, some are slow or stateful.
_CHARSET = re.compile(
    "iso-8859-[0-9]{1,2}|latin1|windows-125[0-9]|utf-16(?:le|be)?|utf-32(?:le|be)?"
)


def is_utf8(media_type: str | None) -> bool:
    """Whether text of that type is UTF-8; without a charset it is."""
    charset = None if media_type is None else attributes.charset(media_type)
    return charset is None or charset in _UTF8_CHARSETS


def payload_of_text(text: str, media_type: str | None, spec: str) -> tuple[bytes, bool]:
    """The payload, and whether it is text.

    Raises:
        InvalidEvent: the charset is unknown or lacks a character; `spec` is named as its section.
    """
    charset = None if media_type is None else attributes.charset(media_type)
    try:
        if charset is None or charset in _UTF8_CHARSETS:
            return text.encode("utf-8"), True
        if _CHARSET.fullmatch(charset):
            return text.encode(charset), False
    except (UnicodeEncodeError, LookupError):
        pass
    raise InvalidEvent(
        attribute="data", value=text, rule=f"cannot be written in charset {charset}", spec=spec
    )


def from_base64(name: str, text: str, spec: str) -> bytes:
    """The bytes that stand in Base64.

    Raises:
        InvalidEvent: they do not; `name` is what holds them, `spec` the section that asks for it.
    """
    try:
        if len(text) % 4 == 0:  # the strict mode lets one padding too many pass
            return binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        pass
    rule = "MUST be Base64 with padding (RFC 4648 section 4)"
    raise InvalidEvent(attribute=name, value=text, rule=rule, spec=spec)
