"""Pages of collections over HTTP (core/http.md "Pagination", pagination/spec.md "HTTP Binding").

Link: <https://hub.example/dirs?limit=10&cursor=WzUs…>;rel=next;count=35
"""

from __future__ import annotations

from typing import Final

from chappe.http.exchange import Header, Response
from chappe.http.registry.asked import Asked, Edge
from chappe.http.registry.errors import JSON
from chappe.registry.entity import Tree
from chappe.registry.flags import Flags
from chappe.registry.paging import page, parse_cursor
from chappe.registry.target import Target

MAX_LIMIT: Final = 10_000
"""Entities on a page; a client that asks for more gets this many, and a link to the rest."""


def wants_page(flags: Flags) -> bool:
    """Whether a request asks for a part of a collection; the capability decides if it can."""
    return flags.limit is not None or bool(flags.cursor)


def one_page(
    tree: Tree, target: Target, flags: Flags, asked: Asked, edge: Edge, *, revision: int
) -> Response:
    """A page of a collection, with the links to those around it.

    While the state that the cursor is of is at hand, the page is of that, else of the present one.

    Raises:
        RegistryError: bad_flag of a cursor, or an error of rendering.
    """
    if flags.cursor:
        sent = parse_cursor(flags.cursor, target.xid).revision
        kept = edge.snapshot(sent) if sent != revision else None
        if kept is not None:
            tree, revision = kept, sent
    limit = min(flags.limit or MAX_LIMIT, MAX_LIMIT)
    found = page(tree, target, flags, asked.base, revision=revision, limit=limit)
    links: list[Header] = []
    if found.next:
        links.append(_link("next", found.next, found.count, target, asked))
    if found.previous:
        links.append(_link("prev", found.previous, found.count, target, asked))
        links.append(_link("first", "", found.count, target, asked))
    return Response(200, found.body, (JSON, *links))


def _link(rel: str, cursor: str, count: int, target: Target, asked: Asked) -> Header:
    kept = [
        one
        for one in asked.query.split(b"&")
        if one and not one.startswith(b"cursor=") and one != b"cursor"
    ]
    if cursor:
        kept.append(b"cursor=" + cursor.encode())
    query = b"?" + b"&".join(kept) if kept else b""
    url = f"{asked.base}{target.xid}".encode() + query
    # "<" and ">" would end the URL early; as sent they are no part of a URI anyway.
    url = url.replace(b"<", b"%3C").replace(b">", b"%3E")
    return b"link", b"<%b>;rel=%b;count=%d" % (url, rel.encode(), count)
