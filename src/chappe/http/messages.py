"""Payload schemas: the messages of a message group (xRegistry's form)."""

from __future__ import annotations

from urllib.parse import quote

from chappe.domain.errors import NotFound
from chappe.formats.declaration_json import parse_declaration, render_declaration
from chappe.http.exchange import Header, Request, Response, json_response
from chappe.http.parts import Parts


async def list_group(parts: Parts, request: Request) -> Response:
    """All declarations of a group, a map by id; empty where nothing is declared."""
    group = request.params["group"]
    kept = parts.state.value.declarations
    found = {type_: kept[type_] for type_ in sorted(kept) if kept[type_].group == group}
    return json_response({type_: render_declaration(one) for type_, one in found.items()})


async def one(parts: Parts, request: Request) -> Response:
    """One declaration."""
    group, type_ = request.params["group"], request.params["type"]
    found = parts.state.value.declarations.get(type_)
    if found is None or found.group != group:
        elsewhere = "" if found is None else f"; it is declared in {found.group!r}"
        raise NotFound(f"message {type_!r}: there is none in messagegroup {group!r}{elsewhere}")
    return json_response(render_declaration(found))


async def put(parts: Parts, request: Request) -> Response:
    """Declare a type's schema, or replace it."""
    group, type_ = request.params["group"], request.params["type"]
    draft = parse_declaration(request.body, group=group, type=type_)
    declared, made = await parts.register.put_declaration(draft, by=request.principal.name)
    headers: tuple[Header, ...] = ()
    if made:
        where = f"/messagegroups/{quote(group, safe='')}/messages/{quote(type_, safe='')}"
        headers = ((b"location", where.encode("ascii")),)
    return json_response(render_declaration(declared), 201 if made else 200, headers)


async def remove(parts: Parts, request: Request) -> Response:
    """Take a declaration back; its last state is answered."""
    last = await parts.register.remove_declaration(
        request.params["group"], request.params["type"], by=request.principal.name
    )
    return json_response(render_declaration(last))
