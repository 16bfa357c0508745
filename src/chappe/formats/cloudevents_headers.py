"""The values of attributes in message headers: percent-encoding, both ways.

http-protocol-binding.md 3.1.3.2; the NATS binding has the same rules. What a value must be is
decided in `domain.attributes`.

    'Euro € 😀'  <->  b'Euro%20%E2%82%AC%20%F0%9F%98%80'
"""

from __future__ import annotations

import re
from urllib.parse import quote, unquote_to_bytes

from chappe.domain.attributes import check_string
from chappe.domain.errors import InvalidEvent

SECTION = "http-protocol-binding.md 3.1.3.2"

# All that need not be encoded: U+0021-7E without the double quote and the percent sign.
_PLAIN = "!#$&'()*+,-./:;<=>?@[\\]^_`{|}~"
_NEEDS_NO_ENCODING = re.compile("[!#$&-~]*+").fullmatch
_PIECE = re.compile(r'[^"]++|"((?:[^"\\]++|\\.)*+)"')
_ESCAPED = re.compile(r"\\(.)")
_BROKEN_PERCENT = re.compile("%(?![0-9A-Fa-f]{2})")


def decode_value(name: str, raw: bytes) -> str:
    """The String in the header value `raw` of the attribute `name`.

    Undoes double-quoted parts, then exactly one round of percent-encoding.

    Raises:
        InvalidEvent: bytes outside US-ASCII, an open quote, a percent sign without two hexadecimal
            digits, bytes that are not UTF-8, or characters that no String may hold.
    """
    try:
        # Not every HTTP parser drops the white space that may follow a value (RFC 9110 5.5).
        text = raw.decode("ascii").strip(" \t")
    except UnicodeDecodeError:
        raise _invalid(name, raw, "MUST be percent-encoded outside printable US-ASCII") from None
    if "%" not in text and '"' not in text and text.isprintable():
        return text
    if '"' in text:
        text = _unquoted(name, text)
    if "%" in text:
        text = _percent_decoded(name, text)
    return check_string(name, text)


def encode_value(text: str) -> bytes:
    """The String as the value of a header."""
    if _NEEDS_NO_ENCODING(text):
        return text.encode("ascii")
    return quote(text, safe=_PLAIN).encode("ascii")


def _unquoted(name: str, text: str) -> str:
    # Piece by piece: a search for the next quoted part would begin anew at each quote, which takes
    # half a minute for one that 64 KiB of escaped quotes leave open.
    pieces: list[str] = []
    at = 0
    while at < len(text):
        found = _PIECE.match(text, at)
        if found is None:
            raise _invalid(name, text, "MUST close its double quote")
        pieces.append(found[0] if found[1] is None else _ESCAPED.sub(r"\1", found[1]))
        at = found.end()
    return "".join(pieces)


def _percent_decoded(name: str, text: str) -> str:
    if _BROKEN_PERCENT.search(text):
        raise _invalid(name, text, "MUST have two hexadecimal digits after each percent sign")
    try:
        return unquote_to_bytes(text).decode("utf-8")
    except UnicodeDecodeError:
        raise _invalid(name, text, "MUST be UTF-8 once it is percent-decoded") from None


def _invalid(name: str, value: object, rule: str) -> InvalidEvent:
    return InvalidEvent(attribute=name, value=value, rule=rule, spec=SECTION)
