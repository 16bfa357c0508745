"""Conditional requests (RFC 9110 13), the hub's own addition to xRegistry."""

from __future__ import annotations

from collections.abc import Callable

from chappe.http.exchange import Response, find_header
from chappe.http.registry.asked import Asked
from chappe.http.registry.entity_tags import matches_state, state_of, tags_in
from chappe.http.registry.errors import Refused
from chappe.registry.entity import Tree
from chappe.registry.target import Target

_KEPT = frozenset({b"etag", b"vary", b"content-location", b"cache-control"})
"""What a 304 repeats (RFC 9110 15.4.5)."""


def not_modified(asked: Asked, response: Response) -> Response:
    """The response, or 304 where the client has it already."""
    sent = asked.header(b"if-none-match")
    tag = None if sent is None else find_header(response.headers, b"etag")
    if sent is None or tag is None:
        return response
    plain = tag.decode()
    tags = tags_in(sent)
    if "*" not in tags and plain not in tags and f'{plain[:-1]}.gzip"' not in tags:
        return response
    return Response(304, b"", tuple(one for one in response.headers if one[0] in _KEPT))


def check_unchanged(
    tree: Tree, target: Target, asked: Asked, path: str, plain: Callable[[], Response]
) -> None:
    """Refuse a write whose `If-Match` or `If-None-Match` does not hold.

    Args:
        tree: the registry before the write.
        target: what is written to.
        asked: the request.
        path: its path, for messages.
        plain: gives what a GET would show, for what is no entity.

    Raises:
        Refused: 412.
    """
    match, none_match = asked.header(b"if-match"), asked.header(b"if-none-match")
    if match is None and none_match is None:
        return
    state = state_of(tree, target)
    if match is not None and not _holds(match, state, plain):
        raise _failed("If-Match", path)
    if none_match is not None and _holds(none_match, state, plain):
        raise _failed("If-None-Match", path)


def _holds(value: bytes, state: str | None, plain: Callable[[], Response]) -> bool:
    if state is None:
        return False
    tags = tags_in(value)
    if "*" in tags:
        return True
    if state:
        return matches_state(tags, state)
    tag = (find_header(plain().headers, b"etag") or b"").decode()
    return tag in tags or f'{tag[:-1]}.gzip"' in tags


def _failed(name: str, path: str) -> Refused:
    return Refused(
        412, "precondition_failed", path, f"{path}: has changed; the {name} header does not hold."
    )
