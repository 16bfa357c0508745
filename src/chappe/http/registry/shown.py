"""Successful responses: what a place of the registry shows, before and after a write."""

from __future__ import annotations

from dataclasses import replace

from chappe.http.exchange import Header, Response
from chappe.http.registry.asked import Asked, Edge
from chappe.http.registry.documents import content_location, document_response
from chappe.http.registry.entity_tags import tagged
from chappe.http.registry.errors import JSON
from chappe.http.registry.methods import READ_ONLY, NotSupported
from chappe.kit.any_json import encode_json
from chappe.registry.capabilities import is_available, offered
from chappe.registry.entity import Tree, Version
from chappe.registry.errors import RegistryError
from chappe.registry.flags import Flags
from chappe.registry.paths import DETAILS, DISCOVERY
from chappe.registry.request import Write, Written
from chappe.registry.target import Level, Target
from chappe.registry.views import render


def shown(
    tree: Tree,
    target: Target,
    flags: Flags,
    asked: Asked,
    edge: Edge,
    processed: frozenset[str] | None = None,
) -> Response:
    """What a GET of the target shows.

    Raises:
        RegistryError: not_found, too_large, cannot_doc_xref.
    """
    if target.level is Level.CAPABILITIES_OFFERED:
        return Response(200, encode_json(offered(edge.offer)), (JSON,))
    if target.is_document and not flags.doc:
        if flags.filters:
            # A document has no attributes to match, so its metadata must (or there is nothing).
            render(tree, replace(target, details=True), flags, asked.base)
        return document_response(tree, target, asked.base)
    body = render(tree, target, flags, asked.base, processed)
    return Response(200, body, (JSON, *content_location(tree, target, asked.base)))


def written(result: Written, request: Write, flags: Flags, asked: Asked, edge: Edge) -> Response:
    """What a write shows: what a GET would, of what was processed (core/http.md "Creating or
    Updating Entities").

    Raises:
        RegistryError: the response cannot be rendered; then nothing may be stored.
    """
    if result.answer is None:
        return Response(204)
    response = shown(result.tree, result.answer, flags, asked, edge, processed=result.processed)
    status, body, headers = response
    made_version = _made_version(result, request, asked)
    if made_version:
        headers = (*_without(headers, b"content-location"), *made_version)
    if result.created is not None:
        status = 201
        made = _url(result.created, asked, details=not request.target.is_document)
        headers = (*_without(headers, b"location"), (b"location", made))
    return tagged(Response(status, body, headers), result.tree, result.answer)


def discovery(tree: Tree, asked: Asked, edge: Edge) -> Response:
    """The registries that are known here (core/http.md "xRegistry Discovery").

    Raises:
        RegistryError: not_available, or action_not_supported.
    """
    if not is_available(tree.capabilities, DISCOVERY):
        raise RegistryError("not_available", f"/{DISCOVERY}")
    if asked.method == "OPTIONS":
        methods = ", ".join(READ_ONLY).encode()
        return Response(200, b"", ((b"allow", methods), (b"access-control-allow-methods", methods)))
    registries = list(edge.registries) or [asked.base]
    return Response(200, encode_json({"registries": registries}), (JSON,))


def discovery_is_read_only(method: str, path: str) -> RegistryError:
    """The error of a write to "/.xregistry"."""
    return NotSupported("action_not_supported", path, allow=READ_ONLY, action=method)


def _made_version(result: Written, request: Write, asked: Asked) -> tuple[Header, ...]:
    """Where the version stands that a write to a single resource or version made.

    (core/http.md "Creating or Updating Entities"; of several, the default version counts.)
    """
    target = request.target
    if target.level not in (Level.RESOURCE, Level.VERSION) or target.resource_type is None:
        return ()
    made = [
        change.after.id
        for change in result.changes
        if change.before is None and isinstance(change.after, Version)
    ]
    resource = result.tree.resource(replace(target, level=Level.RESOURCE, vid="").xid)
    if not made or resource is None:
        return ()
    default = resource.default
    vid = default.id if default is not None and default.id in made else made[-1]
    version = replace(target, level=Level.VERSION, vid=vid)
    return ((b"content-location", _url(version, asked, details=not target.is_document)),)


def _url(target: Target, asked: Asked, *, details: bool) -> bytes:
    """The URL of an entity, as its `self` has it in the same form."""
    with_details = (
        details
        and target.level in (Level.RESOURCE, Level.VERSION)
        and target.resource_type is not None
        and target.resource_type.hasdocument
    )
    return f"{asked.base}{target.xid}{DETAILS if with_details else ''}".encode()


def _without(headers: tuple[Header, ...], name: bytes) -> tuple[Header, ...]:
    return tuple(one for one in headers if one[0] != name)
