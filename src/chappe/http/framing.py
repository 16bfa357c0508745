"""What a request's headers must not say, beyond what the parser refuses (RFC 9112, RFC 9110 7.2).

Two programs that read one request differently, a proxy and the hub, let somebody smuggle a second one past the
first. So what may be read in two ways is refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from chappe.domain.errors import UnsupportedFormat
from chappe.http.exchange import Header

_HOST = re.compile(rb"(?:[A-Za-z0-9._~!$&'()*+,;=%-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?")


def broken_rule(headers: Sequence[Header], version: str) -> str | None:
    """The rule that the headers break, in words; None: none.

    `version` is the request's, "1.0" or "1.1".
    """
    hosts = [value for name, value in headers if name == b"host"]
    if len(hosts) > 1 or (not hosts and version != "1.0"):
        return f"host: {len(hosts)} were sent, one is needed (RFC 9112 3.2)"
    if hosts and not _HOST.fullmatch(hosts[0]):
        return "host: is no host name and port (RFC 9110 7.2)"
    codings = [value for name, value in headers if name == b"transfer-encoding"]
    if codings and version == "1.0":
        return "transfer-encoding: HTTP/1.0 has none (RFC 9112 6.1)"
    if codings and (len(codings) > 1 or codings[0].strip().lower() != b"chunked"):
        # A second coding, such as gzip, would be taken for the body.
        return "transfer-encoding: only chunked is understood (RFC 9112 6.1)"
    return None


def content_coding(headers: Sequence[Header]) -> bytes:
    """What the body is coded in besides `identity`; empty: nothing."""
    for name, value in headers:
        if name == b"content-encoding" and value.strip().lower() not in (b"", b"identity"):
            return value
    return b""


def coded(coding: bytes) -> UnsupportedFormat:
    """The error of a compressed body.

    A few bytes of one can become gigabytes; events are small, and a batch that is too large is better parted.
    """
    shown = coding[:40].decode("latin-1")
    return UnsupportedFormat(
        f"Content-Encoding: {shown!r} is not taken; send the body as it is, without compression",
        content_encoding=shown,
    )
