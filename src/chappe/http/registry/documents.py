"""Resources and versions in their document view: the document itself, its attributes beside it.

(core/http.md "Serializing Resource Domain-Specific Documents") Such an answer depends on the entity,
the URL of the registry and little else, so it is kept while the entity lives, within a bound.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple
from urllib.parse import quote

from chappe.http.exchange import Header, Response
from chappe.http.registry.entity_tags import tagged
from chappe.http.registry.header_values import attribute_headers, encode_value
from chappe.registry.entity import Resource, Tree, Version
from chappe.registry.model import ResourceType
from chappe.registry.paths import DETAILS
from chappe.registry.pieces import Kept
from chappe.registry.shown import document
from chappe.registry.target import Level, Target

MAX_CACHED_CHARS: Final = 8 * 1024 * 1024

_CHARS_OF_HEADER: Final = 128
"""What a header takes besides its text, about."""


class _Answer(NamedTuple):
    """An answer, and what it depends on besides its entity."""

    base: str
    xid: str
    type: ResourceType
    shortself: bool
    default: bool
    response: Response


_kept: Final = Kept(MAX_CACHED_CHARS)


def kept_document_response(tree: Tree, target: Target, base: str) -> Response:
    """The response to a GET of a document, with its entity tag.

    Args:
        tree: the registry.
        target: `is_document` holds.
        base: the URL of the registry's root.

    Raises:
        RegistryError: not_found.
    """
    entity, default = _entity(tree, target)
    if entity is None or target.resource_type is None:
        return tagged(document_response(tree, target, base), tree, target)
    xid = target.xid
    shortself = tree.capabilities.get("shortself") is True
    found: _Answer | None = _kept.get(entity)
    if (
        found is not None
        and found.xid == xid
        and found.base == base
        and found.type is target.resource_type
        and found.shortself is shortself
        and found.default is default
    ):
        return found.response
    response = tagged(document_response(tree, target, base), tree, target)
    chars = sum(len(value) + _CHARS_OF_HEADER for _, value in response.headers)
    answer = _Answer(base, xid, target.resource_type, shortself, default, response)
    _kept.put(entity, answer, chars)
    return response


def _entity(tree: Tree, target: Target) -> tuple[Resource | Version | None, bool]:
    """What alone a response depends on, and whether it is a default version; None of mirrors."""
    if target.group_type is None or target.resource_type is None:
        return None, False
    group = tree.of(target.group_type.plural).find(target.gid)
    resource = None if group is None else group.of(target.resource_type.plural).find(target.rid)
    if resource is None or "xref" in resource.meta:
        return None, False
    if target.level is Level.RESOURCE:
        return resource, True
    return resource.versions.find(target.vid), resource.meta.get("defaultversionid") == target.vid


def document_response(tree: Tree, target: Target, base: str) -> Response:
    """The document itself, its attributes beside it; 303 where it is somewhere else.

    Raises:
        RegistryError: not_found.
    """
    body, attributes = document(tree, target, base)
    beside = dict(attributes)
    contenttype = beside.pop("contenttype", None)
    headers = [
        *attribute_headers(beside),
        (b"content-disposition", encode_value(target.rid)),
        *content_location(tree, target, base),
        *HARMLESS,
    ]
    if contenttype is not None and _PRINTABLE(contenttype):
        headers.append((b"content-type", contenttype.encode("ascii")))
    names = target.resource_type.url_names if target.resource_type else ()
    for url in (beside[name] for name in names if name in beside):
        return Response(303, b"", (*headers, (b"location", as_uri(url))))
    return Response(200, body, tuple(headers))


HARMLESS: Final[tuple[Header, ...]] = (
    # A document is a client's; it must not act in a browser as if it were the hub's.
    (b"content-security-policy", b"sandbox; default-src 'none'"),
    (b"x-content-type-options", b"nosniff"),
)
_PRINTABLE = re.compile("[ -~]+", re.ASCII).fullmatch


def content_location(tree: Tree, target: Target, base: str) -> tuple[Header, ...]:
    """Where the default version of a resource stands, in the form of the request."""
    if target.level is not Level.RESOURCE or target.resource_type is None:
        return ()
    xid = target.xid
    resource = tree.resource(xid)
    if resource is not None and resource.xref is not None:
        resource = tree.resource(resource.xref)
    if resource is None or resource.default is None:
        return ()
    end = DETAILS if target.resource_type.hasdocument and not target.is_document else ""
    return ((b"content-location", f"{base}{xid}/versions/{resource.default.id}{end}".encode()),)


def as_uri(text: str) -> bytes:
    """A URL for a standard header: what no URI may hold is percent-encoded, nothing twice."""
    return quote(text, safe="!#$%&'()*+,-./:;=?@[]_~").encode("ascii")
