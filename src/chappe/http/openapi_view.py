"""`GET /openapi`: the published OpenAPI as a page that needs nothing but the hub."""

from __future__ import annotations

import asyncio
from functools import cache
from importlib.resources import files
from typing import Final

from chappe.http.exchange import Header, Request, Response
from chappe.http.openapi import document
from chappe.http.openapi_page import render
from chappe.http.parts import Parts
from chappe.http.registry.compression import accepts_gzip, compressed

STYLE: Final = "/openapi/style.css"
HARMLESS: Final[tuple[Header, ...]] = (
    (
        b"content-security-policy",
        b"default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"vary", b"accept-encoding"),
)


async def view(parts: Parts, request: Request) -> Response:
    """The page, of the model as it is now; its links are relative, so it stands below any prefix."""
    tree, base = parts.state.value.tree, parts.registry.base(request.headers)

    def make() -> bytes:
        told = {**document(tree.model, tree.capabilities), "servers": [{"url": base}]}
        return render(told, style=STYLE.removeprefix("/"))

    body = await asyncio.to_thread(make)
    response = Response(200, body, ((b"content-type", b"text/html; charset=utf-8"), *HARMLESS))
    return compressed(response) if accepts_gzip(request.header(b"accept-encoding")) else response


async def style(parts: Parts, request: Request) -> Response:
    """The page's style sheet."""
    kept = (b"cache-control", b"max-age=3600")
    return Response(200, _sheet(), ((b"content-type", b"text/css; charset=utf-8"), kept, *HARMLESS))


@cache
def _sheet() -> bytes:
    return files("chappe.http").joinpath("openapi_page.css").read_bytes()
