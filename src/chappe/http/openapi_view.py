"""`GET /openapi`: the published OpenAPI as a page that needs nothing but the hub."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

from chappe.http.exchange import Header, Request, Response
from chappe.http.openapi import document
from chappe.http.openapi_page import render
from chappe.http.parts import Parts
from chappe.http.registry.compression import accepts_gzip, compressed
from chappe.registry.model import Model

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

    body = await asyncio.to_thread(_rendered.of, tree.model, tree.capabilities, base)
    response = Response(200, body, ((b"content-type", b"text/html; charset=utf-8"), *HARMLESS))
    return compressed(response) if accepts_gzip(request.header(b"accept-encoding")) else response


async def style(parts: Parts, request: Request) -> Response:
    """The page's style sheet."""
    kept = (b"cache-control", b"max-age=3600")
    return Response(200, _sheet(), ((b"content-type", b"text/css; charset=utf-8"), kept, *HARMLESS))


@dataclass(slots=True)
class _Rendered:
    """The page that was asked for last: making one takes some 0.3 s, and models seldom change."""

    made: tuple[Model, Mapping[str, Any], str, bytes] | None = None

    def of(self, model: Model, capabilities: Mapping[str, Any], base: str) -> bytes:
        """The page of a model and its capabilities, for the hub's URL."""
        made = self.made
        if made is None or made[0] is not model or made[1] is not capabilities or made[2] != base:
            told = {**document(model, capabilities), "servers": [{"url": base}]}
            body = render(told, style=STYLE.removeprefix("/"))
            self.made = made = (model, capabilities, base, body)
        return made[3]


_rendered: Final = _Rendered()


@cache
def _sheet() -> bytes:
    return files("chappe.http").joinpath("openapi_page.css").read_bytes()
