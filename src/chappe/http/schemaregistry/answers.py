"""What the API answers: documents with what is said of them in headers, and what every answer has.

    Location                where the version stands
    Schema-Id               its id, and Schema-Id-Location where that leads to the document
    Schema-Version          its number
    Schema-Format, Schema-Description, Schema-Authority, Schema-Createdtimeutc      where there is one

Texts in headers are percent-encoded where they are no ASCII, as those of xRegistry are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final
from urllib.parse import quote

from chappe.formats.schemaregistry02.documents import described
from chappe.formats.schemaregistry02.looking import Found
from chappe.formats.schemaregistry02.uris import joined
from chappe.http.exchange import Header, Request, Response, json_response
from chappe.http.parts import Parts
from chappe.http.registry.compression import accepts_gzip, compressed
from chappe.http.registry.documents import HARMLESS, as_uri
from chappe.http.registry.entity_tags import tag_of, tags_in
from chappe.http.registry.header_values import encode_value
from chappe.http.registry_route import CORRELATION, REVISION
from chappe.registry.writing import Committed

PREFIX: Final = "/schemaregistry/v0.2"
_PRINTABLE: Final = re.compile("[ -~]+", re.ASCII)
_URIS: Final = frozenset({"schema-id", "schema-authority"})


def roots(parts: Parts, request: Request) -> tuple[str, str]:
    """The URLs of the API's root and of the hub's, without a slash at the end."""
    hub = parts.registry.base(request.headers)
    return hub + PREFIX, hub


def shown_now(parts: Parts) -> Header:
    """The revision that a read shows."""
    return REVISION, b"%d" % parts.state.value.revision


def of_commit(committed: Committed[object]) -> tuple[Header, ...]:
    """The revision that a write made, and the id of its events of change."""
    revision = (REVISION, b"%d" % committed.revision)
    if not committed.correlation:
        return (revision,)
    return revision, (CORRELATION, committed.correlation.encode("ascii"))


def told(found: Found, api: str) -> tuple[Header, ...]:
    """The headers of a version."""
    said = described(found.version, found.named, found.group)
    uri = joined(said.get("schema-authority", api), said["schema-id"])
    return (
        (b"location", f"{api}{found.named.path}".encode()),
        (b"schema-id-location", f"{api}/schema?uri={quote(uri, safe='')}".encode()),
        *(
            (name.encode("ascii"), as_uri(text) if name in _URIS else encode_value(text))
            for name, text in said.items()
        ),
    )


def listed(parts: Parts, items: Sequence[str] | Sequence[int]) -> Response:
    """An array of ids or numbers."""
    return json_response(items, headers=(shown_now(parts),))


def document(parts: Parts, request: Request, found: Found) -> Response:
    """A version's document, byte for byte; 304 where the client has it already."""
    attributes = found.version.attributes
    headers = told(found, roots(parts, request)[0])
    body = found.version.document or b""
    tag = tag_of(f"{found.version.uid}.{attributes['epoch']}", body, headers).encode()
    always = ((b"etag", tag), (b"vary", b"accept-encoding"), shown_now(parts))
    if _has_it(request, tag):
        return Response(304, b"", always)
    response = Response(
        200, body, (*headers, *_type(attributes.get("contenttype")), *HARMLESS, *always)
    )
    return compressed(response) if accepts_gzip(request.header(b"accept-encoding")) else response


def _type(contenttype: object) -> Iterable[Header]:
    if isinstance(contenttype, str) and _PRINTABLE.fullmatch(contenttype):
        yield b"content-type", contenttype.encode("ascii")


def _has_it(request: Request, tag: bytes) -> bool:
    sent = request.header(b"if-none-match")
    if sent is None:
        return False
    tags, plain = tags_in(sent), tag.decode()
    return "*" in tags or plain in tags or f'{plain[:-1]}.gzip"' in tags
