"""What other tools read of the hub: Backstage's entities, llms.txt, and Markdown twins of entities.

GET /catalog-info.yaml             Backstage: everything, or a Location of its pages
GET /catalog-info.yaml?page=2
GET /llms.txt
GET /types/order.paid              with Accept: text/markdown (also of messages and schemas)
GET /endpoints/orders              with Accept: application/vnd.aai.asyncapi+json
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from typing import Final

from chappe.domain.errors import Malformed, NotFound
from chappe.formats.asyncapi.carried import messages_in, version_at
from chappe.formats.backstage import catalogue, location, pages_of
from chappe.formats.catalogue import types
from chappe.formats.fields import shortened
from chappe.formats.hub_entities import ENDPOINTS, MESSAGES
from chappe.formats.markdown_pages import llms_txt, message_page, schema_page, type_page
from chappe.http import asyncapi, discovery
from chappe.http.call import Call
from chappe.http.exchange import Header, Request, Response, find_header
from chappe.http.negotiation import negotiate
from chappe.http.paging import unquote
from chappe.http.parts import Parts
from chappe.http.registry.compression import accepts_gzip, compressed
from chappe.http.registry_route import REVISION, reach
from chappe.registry.entity import Tree

JSON: Final = "application/json"
MARKDOWN: Final = "text/markdown"
PAGES: Final = ("page",)
_PAGE: Final = re.compile(r"[1-9][0-9]{0,6}", re.ASCII)


async def backstage(parts: Parts, request: Request) -> Response:
    """The catalogue, a page of it, or where its pages are."""
    await reach(parts, request.headers)
    sent = request.query.get("page")
    if sent is not None and not _PAGE.fullmatch(sent):
        raise Malformed(f"parameter page: {shortened(sent)} is no number from 1")
    tree, base = parts.state.value.tree, parts.registry.base(request.headers)

    def make() -> str:
        pages = pages_of(tree)
        if sent is None and pages > 1:
            return location(tree, base).yaml()
        if sent is not None and int(sent) > pages:
            raise NotFound(f"page {sent}: there are {pages}")
        return catalogue(tree, base, page=None if sent is None else int(sent)).yaml()

    return await _text(parts, request, make, "application/yaml")


async def llms(parts: Parts, request: Request) -> Response:
    """The map of the hub."""
    await reach(parts, request.headers)
    tree, base = parts.state.value.tree, parts.registry.base(request.headers)
    made = lambda: llms_txt(tree, types(tree, base), base)  # noqa: E731
    return await _text(parts, request, made, f"{MARKDOWN}; charset=utf-8")


async def one_type(parts: Parts, request: Request) -> Response:
    """A type: a page in Markdown where that is asked for, else the services that offer it."""
    if not _may_want(request.headers, b"text/markdown"):
        return await discovery.one_type(parts, request)
    if negotiate(request.headers, (JSON, MARKDOWN), default=JSON, also={}) == JSON:
        return await discovery.one_type(parts, request)
    tree, base = parts.state.value.tree, parts.registry.base(request.headers)
    name = request.params["type"]

    def make() -> str:
        declared = types(tree, base).get(name)
        if declared is None:
            raise NotFound(f"type {name!r}: no message declares it")
        return type_page(tree, declared, base)

    return await _text(parts, request, make, f"{MARKDOWN}; charset=utf-8", varies=True)


async def twin(parts: Parts, call: Call) -> Response | None:
    """An entity of the registry in another form than its own; None: in its own."""
    if call.method not in ("GET", "HEAD") or not _may_want(
        call.headers, b"text/markdown", b"asyncapi"
    ):
        return None
    await reach(parts, call.headers)
    segments = [unquote(one, "path") for one in call.path.strip(b"/").split(b"/")]
    segments[-1] = segments[-1].removesuffix("$details")
    tree = parts.state.value.tree
    base = parts.registry.base(call.headers)
    if len(segments) == 2 and segments[0] == ENDPOINTS:
        offers = (JSON, asyncapi.ASYNCAPI, asyncapi.ASYNCAPI_YAML)
        also = {"application/vnd.aai.asyncapi": asyncapi.ASYNCAPI}
        wanted = negotiate(call.headers, offers, default=JSON, also=also)
        endpoint = tree.of(ENDPOINTS).find(segments[1])
        if wanted == JSON or endpoint is None:
            return None
        return await asyncapi.of_endpoint(parts, endpoint, base, wanted, call.headers)
    made = _page(tree, segments, base)
    if made is None or negotiate(call.headers, (JSON, MARKDOWN), default=JSON, also={}) == JSON:
        return None
    return await _text(parts, call, made, f"{MARKDOWN}; charset=utf-8", varies=True)


def _page(tree: Tree, segments: list[str], base: str) -> Callable[[], str] | None:
    """What makes the page of an entity; None: it has none, or is not there."""
    match segments:
        case [plural, gid, kind, rid] if kind == MESSAGES:
            group = tree.of(plural).find(gid)
            if group is None or rid not in group.of(MESSAGES):
                return None
            xid = group.of(MESSAGES)[rid].xref or f"/{plural}/{gid}/{MESSAGES}/{rid}"
            message = next(
                (one for one in messages_in(tree, plural, group) if one.xid == xid), None
            )
            return None if message is None else lambda: message_page(tree, message, base)
        case ["schemagroups", _, "schemas", _] | ["schemagroups", _, "schemas", _, "versions", _]:
            xid = "/" + "/".join(segments)
            version, resource = version_at(tree, xid), tree.resource("/".join(xid.split("/")[:5]))
            if resource is not None and resource.xref is not None:
                resource = tree.resource(resource.xref)
            if version is None or resource is None:
                return None
            return lambda: schema_page(xid, version, resource)
        case _:
            return None


async def _text(
    parts: Parts,
    request: Request | Call,
    make: Callable[[], str],
    media_type: str,
    *,
    varies: bool = False,
) -> Response:
    """A text, made beside the node's other work."""
    revision = parts.state.value.revision
    body = (await asyncio.to_thread(make)).encode("utf-8", "replace")
    vary = b"accept, accept-encoding" if varies else b"accept-encoding"
    headers = (
        (b"content-type", media_type.encode()),
        (b"vary", vary),
        (b"x-content-type-options", b"nosniff"),
        (REVISION, b"%d" % revision),
    )
    response = Response(200, body, headers)
    wanted = find_header(request.headers, b"accept-encoding")
    return compressed(response) if accepts_gzip(wanted) else response


def _may_want(headers: Sequence[Header], *marks: bytes) -> bool:
    accept = find_header(headers, b"accept")
    return accept is not None and any(one in accept.lower() for one in marks)
