"""Schema groups, and the schemas of one: /schemagroups, /schemagroups/{group}[/schemas]."""

from __future__ import annotations

import asyncio
from typing import Final

from chappe.formats.schemaregistry02.changing import a_group, all_schemas
from chappe.formats.schemaregistry02.group_json import parse_group, render_group
from chappe.formats.schemaregistry02.names import shown
from chappe.http.exchange import Request, Response, json_response
from chappe.http.parts import Parts
from chappe.http.registry_route import reach
from chappe.http.schemaregistry.answers import listed, of_commit, roots, shown_now

_GROUP_AT: Final = 4
"""Where a group's name stands among the parts of a path: /schemaregistry/v0.2/schemagroups/{group}."""


async def list_all(parts: Parts, request: Request) -> Response:
    """The ids of all groups."""
    await reach(parts, request.headers)
    return listed(parts, [shown(name) for name in parts.schemas.groups()])


async def one(parts: Parts, request: Request) -> Response:
    """The attributes of a group."""
    await reach(parts, request.headers)
    name = request.params["group"]
    group = parts.schemas.group(name)
    return json_response(render_group(name, group.attributes), headers=(shown_now(parts),))


async def put(parts: Parts, request: Request) -> Response:
    """Make a group (201), or update it."""
    name, by = request.params["group"], request.principal.name
    wanted = parse_group(request.body, name)
    committed = await parts.schemas.put_group(
        name, request.path.split("/")[_GROUP_AT], wanted, by=by
    )
    group, is_new = committed.answer
    location = f"{roots(parts, request)[0]}/schemagroups/{shown(name)}".encode()
    made = ((b"location", location),) if is_new else ()
    body = render_group(name, group.attributes)
    return json_response(body, 201 if is_new else 200, (*made, *of_commit(committed)))


async def remove(parts: Parts, request: Request) -> Response:
    """Delete a group with all that is in it."""
    by = request.principal.name
    committed = await parts.schemas.remove(a_group(request.params["group"]), by=by)
    return Response(204, b"", of_commit(committed))


async def list_schemas(parts: Parts, request: Request) -> Response:
    """The ids of a group's schemas."""
    await reach(parts, request.headers)
    # A group may have very many.
    names = await asyncio.to_thread(parts.schemas.schemas, request.params["group"])
    return listed(parts, [shown(name) for name in names])


async def remove_schemas(parts: Parts, request: Request) -> Response:
    """Delete all schemas of a group."""
    by = request.principal.name
    committed = await parts.schemas.remove(all_schemas(request.params["group"]), by=by)
    return Response(204, b"", of_commit(committed))
