"""What a client says beside a schema document: in the query, in headers `Schema-…`, or in both alike."""

from __future__ import annotations

import re
from typing import Final

from chappe.domain.errors import Malformed
from chappe.formats.fields import shortened
from chappe.formats.schemaregistry02.documents import PARAMETERS, Sent, parse_sent
from chappe.http.exchange import Request
from chappe.http.registry.header_values import decode_value
from chappe.registry.errors import RegistryError
from chappe.registry.values import LIMIT_BYTES

_PRINTABLE: Final = re.compile("[ -~]+", re.ASCII)


def read_sent(request: Request) -> Sent:
    """The document, and what is said of it.

    Raises:
        Malformed: something of it breaks a rule.
    """
    given: dict[str, str] = {}
    for name in PARAMETERS:
        values = [_header(name, value) for value in _all(request, f"schema-{name}".encode("ascii"))]
        if name in request.query:
            values.append(request.query[name])
        if len(set(values)) > 1:
            raise Malformed(
                f"{name}: was sent as {shortened(values[0])} and as {shortened(values[1])}; send it once"
            )
        if values:
            given[name] = values[0]
    return parse_sent(request.body, _content_type(request), given)


def _all(request: Request, name: bytes) -> list[bytes]:
    return [value for key, value in request.headers if key == name]


def _header(name: str, value: bytes) -> str:
    """A header's text; that of a URI is one already, others are percent-encoded where they need it."""
    if name in ("id", "authority"):
        return value.decode("latin-1").strip()
    try:
        return decode_value(f"Schema-{name.capitalize()}", value, subject="/")
    except RegistryError as error:
        raise Malformed(f"{name}: {error.args_shown['error_detail']}") from error


def _content_type(request: Request) -> str | None:
    sent = (request.header(b"content-type") or b"").decode("latin-1").strip()
    if sent and not _PRINTABLE.fullmatch(sent):
        raise Malformed(f"Content-Type: {shortened(sent)} is not US-ASCII")
    if len(sent) > LIMIT_BYTES:
        raise Malformed(f"Content-Type: {shortened(sent)} is longer than {LIMIT_BYTES} bytes")
    return sent or None
