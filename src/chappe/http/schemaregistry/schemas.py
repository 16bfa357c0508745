"""Schemas and their versions: /schemagroups/{group}/schemas/{schema}[/versions[/{version}]], /schema?uri=."""

from __future__ import annotations

import asyncio
import re
from typing import Final

from chappe.domain.errors import Malformed
from chappe.formats.fields import shortened
from chappe.formats.schemaregistry02.changing import a_schema, a_version
from chappe.formats.schemaregistry02.uris import Named
from chappe.http.exchange import Header, Request, Response, find_header, json_response
from chappe.http.parts import Parts
from chappe.http.registry_route import reach
from chappe.http.schemaregistry.answers import document, listed, of_commit, roots, told
from chappe.http.schemaregistry.sent import read_sent

_SCHEMA_AT: Final = 6
"""Where a schema's name stands among the parts of a path."""
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)


async def by_uri(parts: Parts, request: Request) -> Response:
    """The document of the version that a schema version URI names (spec.md 3.4.3)."""
    await reach(parts, request.headers)
    uri = request.query.get("uri")
    if not uri:
        raise Malformed("parameter uri: is missing; it is a schema version URI, percent-encoded")
    # What was written since the last lookup is looked through first.
    found = await asyncio.to_thread(parts.schemas.by_uri, uri, *roots(parts, request))
    return document(parts, request, found)


async def register(parts: Parts, request: Request) -> Response:
    """Make a version of a schema, or find the one that is the same (schemaregistry.yaml createSchema)."""
    api, hub = roots(parts, request)
    committed = await parts.schemas.register(
        request.params["group"],
        request.params["schema"],
        request.path.split("/")[_SCHEMA_AT],
        read_sent(request),
        api=api,
        hub=hub,
        by=request.principal.name,
    )
    headers = told(committed.answer, api)
    id = _text(headers, b"schema-id")
    return json_response({"id": id}, headers=(*headers, *of_commit(committed)))


async def latest(parts: Parts, request: Request) -> Response:
    """The newest version's document."""
    await reach(parts, request.headers)
    found = parts.schemas.latest(request.params["group"], request.params["schema"])
    return document(parts, request, found)


async def remove(parts: Parts, request: Request) -> Response:
    """Delete a schema with all its versions."""
    choose = a_schema(request.params["group"], request.params["schema"])
    committed = await parts.schemas.remove(choose, by=request.principal.name)
    return Response(204, b"", of_commit(committed))


async def list_versions(parts: Parts, request: Request) -> Response:
    """The numbers of a schema's versions."""
    await reach(parts, request.headers)
    return listed(parts, parts.schemas.versions(request.params["group"], request.params["schema"]))


async def one_version(parts: Parts, request: Request) -> Response:
    """One version's document."""
    await reach(parts, request.headers)
    return document(parts, request, parts.schemas.version(_named(request)))


async def remove_version(parts: Parts, request: Request) -> Response:
    """Delete one version; the last one takes the schema with it."""
    by = request.principal.name
    committed = await parts.schemas.remove(a_version(_named(request)), by=by)
    return Response(204, b"", of_commit(committed))


def _named(request: Request) -> Named:
    sent = request.params["version"]
    if not _NUMBER.fullmatch(sent):
        raise Malformed(f"version: {shortened(sent)} is no whole number from 1 to 999999999")
    return Named(request.params["group"], request.params["schema"], int(sent))


def _text(headers: tuple[Header, ...], name: bytes) -> str:
    value = find_header(headers, name)
    assert value is not None
    return value.decode("ascii")
