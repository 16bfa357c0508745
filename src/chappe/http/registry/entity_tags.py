"""Entity tags and conditional requests (RFC 9110 13): the hub's own addition to xRegistry.

    "2t.5.1-k3nbVw…"     what the target is, and what was shown of it

The first part changes with each write to the entity itself; it is what `If-Match` of a write
compares, so a tag that came with any view of an entity guards it. Of what is no entity the whole tag
counts. The second part is a digest of what was sent.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence

from chappe.http.exchange import Header, Response
from chappe.http.registry.header_values import PREFIX
from chappe.registry.entity import Resource, Tree
from chappe.registry.target import Level, Target


def state_of(tree: Tree, target: Target) -> str | None:
    """The tag's first part; None where there is no entity, "" of what is no entity."""
    if target.level is Level.REGISTRY:
        return f"0.{tree.attributes.get('epoch', 0)}"
    if target.level not in (Level.GROUP, Level.RESOURCE, Level.META, Level.VERSION):
        return ""
    if target.group_type is None:
        return None
    group = tree.of(target.group_type.plural).find(target.gid)
    if group is None:
        return None
    if target.resource_type is None:
        return f"{group.uid}.{group.attributes.get('epoch', 0)}"
    resource = group.of(target.resource_type.plural).find(target.rid)
    if resource is None:
        return None
    return _of_resource(tree, resource, target)


def _of_resource(tree: Tree, resource: Resource, target: Target) -> str | None:
    state = f"{resource.uid}.{resource.meta.get('epoch', 0)}"
    if target.level is Level.META:
        return state
    shown = resource if resource.xref is None else tree.resource(resource.xref)
    if shown is None:
        return state if target.level is Level.RESOURCE else None
    version = shown.default if target.level is Level.RESOURCE else shown.versions.find(target.vid)
    if version is None:
        return state if target.level is Level.RESOURCE else None
    if target.level is Level.VERSION:
        return f"{version.uid}.{version.attributes.get('epoch', 0)}"
    return f"{state}.{version.uid}.{version.attributes.get('epoch', 0)}"


def tag_of(state: str, body: bytes, headers: Iterable[Header] = ()) -> str:
    """The tag of a representation, quoted."""
    digest = hashlib.blake2b(body, digest_size=12)
    for name, value in headers:
        digest.update(b"\0%b\0%b" % (name, value))
    return f'"{state}-{base64.urlsafe_b64encode(digest.digest()).decode()}"'


def tagged(response: Response, tree: Tree, target: Target) -> Response:
    """The response with its entity tag."""
    state = state_of(tree, target)
    if state is None:
        return response
    attributes = [one for one in response.headers if one[0].startswith(PREFIX)]
    tag = tag_of(state, response.body, attributes).encode()
    return Response(
        response.status,
        response.body,
        (*response.headers, (b"etag", tag), (b"vary", b"accept-encoding")),
    )


def tags_in(value: bytes) -> Sequence[str]:
    """The tags of an `If-Match` or `If-None-Match` header, without "W/"; `*` stands for any."""
    return [one.strip().removeprefix("W/") for one in value.decode("latin-1").split(",")]


def matches_state(tags: Sequence[str], state: str) -> bool:
    """Whether a tag was given to an entity in this very state."""
    return any(tag.strip('"').partition("-")[0] == state for tag in tags)
