"""The registry at the hub's root: who may, which revision, and a write's way through the log.

What is answered is http/registry's; headers of our own are added here:

    chappe-revision: 41           of the registry that the answer shows
    chappe-min-revision: 41       (request) wait until this node has seen that much
    chappe-dry-run: true          the write was asked for with ?dryrun, and not done
    xregistry-xregcorrelationid   of the write's events (core/events.md)
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final
from urllib.parse import unquote_to_bytes

from chappe.domain.access import (
    ADMIN,
    ANYONE,
    READ,
    SUBSCRIBE,
    Principal,
    Right,
    require,
    require_somewhere,
)
from chappe.domain.errors import Malformed, Unavailable
from chappe.http.call import Call
from chappe.http.exchange import DRY_RUN, Header, Response, find_header
from chappe.http.parts import Parts
from chappe.http.registry.answers import answer_read, answer_write
from chappe.http.registry.asked import READS, Asked
from chappe.http.scope import of_path, require_changes
from chappe.ports.authorizer import Authorizer
from chappe.registry.entity import Tree
from chappe.registry.request import Rules, Written

REVISION: Final = b"chappe-revision"
MIN_REVISION: Final = b"chappe-min-revision"
CORRELATION: Final = b"xregistry-xregcorrelationid"

_READ_METHODS: Final = b"GET, HEAD, OPTIONS"
_METHODS: Final = b"GET, HEAD, OPTIONS, PUT, PATCH, POST, DELETE"

WAIT_S: Final = 5.0
"""How long a request waits for its revision: nodes are some milliseconds apart."""

HEAVY_BYTES: Final = 4 * 1024
"""A body from which on a write is decided beside the node's other work: 45 KB of small entities take
0.3 s. Schemas are always, because one of a few bytes may take long to be read."""

MUCH: Final = 1_000
"""Entities that are shown in some 5 ms; what shows more is made beside the node's other work."""

_ADMINISTRATIVE: Final = frozenset({b"", b"model", b"modelsource", b"capabilities"})
"""The paths of what the registry is, percent-decoded, without slashes at their ends."""


_HEAVY: Final = _ADMINISTRATIVE | {b"schemagroups"}


def right_for(method: str, path: bytes) -> Right:
    """What a request needs: the model and what the registry can do are for administrators."""
    if method in READS:
        return READ
    if _is_administrative(path) and not (method == "POST" and path == b"/"):
        return ADMIN
    return SUBSCRIBE


def _is_administrative(path: bytes) -> bool:
    """Whether the path may mean the model or the capabilities, however it is written."""
    return unquote_to_bytes(path).strip(b"/") in _ADMINISTRATIVE


def _is_heavy(path: bytes) -> bool:
    """Whether a write there may take long however small it is."""
    return unquote_to_bytes(path).strip(b"/").partition(b"/")[0] in _HEAVY


def _is_public(path: bytes) -> bool:
    """Whether anybody who may read anything may read this: what the registry is, not what is in it."""
    return unquote_to_bytes(path).strip(b"/") in _ADMINISTRATIVE - {b""}


def is_preflight(call: Call) -> bool:
    """Whether a browser asks on behalf of a page of another origin; it sends no token with that."""
    wanted = find_header(call.headers, b"access-control-request-method")
    return call.method == "OPTIONS" and wanted is not None


def preflight(call: Call, authorizer: Authorizer) -> Response:
    """What a page of another origin may ask for: it tells nothing of what there is."""
    methods = _READ_METHODS if authorizer.is_open else _METHODS
    wanted = find_header(call.headers, b"access-control-request-headers")
    allowed = () if wanted is None else ((b"access-control-allow-headers", wanted),)
    return Response(
        204,
        b"",
        (
            (b"access-control-allow-origin", b"*"),
            (b"access-control-allow-methods", methods),
            (b"access-control-max-age", b"3600"),
            (b"vary", b"access-control-request-headers"),
            *allowed,
        ),
    )


async def answer(parts: Parts, call: Call, by: Principal) -> Response:
    """Answer a request to the registry.

    Raises:
        Forbidden: the principal lacks the right.
        Malformed: the revision asked for is none.
        Unavailable: this node has not seen that revision, or the engine did not acknowledge.
    """
    right = right_for(call.method, call.path)
    if right == READ and _is_public(call.path):
        require_somewhere(by, READ)
    else:
        require(by, right, *of_path(call.path))
    edge = parts.registry.open_edge if parts.authorizer.is_open else parts.registry.edge
    body = await call.body(edge.body_bytes)
    asked = Asked(
        call.method, call.path, call.query, call.headers, body, parts.registry.base(call.headers)
    )
    await reach(parts, call.headers)
    if call.method in READS:
        state = parts.state.value
        if b"limit" in call.query:
            parts.registry.snapshots.keep(state.revision, state.tree)
        if _shows_much(state.tree, asked):
            response = await asyncio.to_thread(
                answer_read, state.tree, asked, edge, revision=state.revision
            )
        else:
            response = answer_read(state.tree, asked, edge, revision=state.revision)
        return _with(response, _revision(state.revision))

    def decide(tree: Tree, now: str, rules: Rules) -> tuple[Written, Response]:
        written, response = answer_write(
            tree,
            asked,
            edge,
            now=now,
            rules=rules,
            # Somebody who proved to be an administrator; on an open hub nobody did.
            admin=by is not ANYONE and by.may(ADMIN),
        )
        if written is not None:
            require_changes(by, written.changes)
        return written or Written(tree, (), None), response

    dry_run = is_dry_run(call.query)
    committed = await parts.register.write(
        decide,
        by=by.name,
        heavy=len(body) > HEAVY_BYTES or _is_heavy(call.path),
        dry_run=dry_run,
    )
    added = [_revision(committed.revision)]
    if committed.correlation:
        added.append((CORRELATION, committed.correlation.encode("ascii")))
    if dry_run:
        added.append(DRY_RUN)
    return _with(committed.answer, *added)


def _shows_much(tree: Tree, asked: Asked) -> bool:
    """Whether the answer may hold more than a few entities of a registry that has many.

    Asked for without flags, an entity is one; collections have a path of an odd number of parts.
    """
    alone = asked.path.strip(b"/").count(b"/") % 2 == 1
    if not asked.query and alone:
        return False
    left = MUCH
    for groups in tree.groups.values():
        for group in groups.values():
            left -= 1 + sum(len(resources) for resources in group.resources.values())
            if left < 0:
                return True
    return False


async def reach(parts: Parts, headers: Sequence[Header]) -> None:
    """Wait until this node has seen the revision that the request asks for.

    Raises:
        Malformed: it is no revision.
        Unavailable: it was not seen within WAIT_S.
    """
    wanted = find_header(headers, MIN_REVISION)
    if wanted is None:
        return
    if not wanted.isdigit() or len(wanted) > 18:
        raise Malformed(f"{MIN_REVISION.decode()}: {wanted[:40]!r} is no revision, a whole number")
    revision = int(wanted)
    if parts.state.value.revision >= revision:
        return
    try:
        async with asyncio.timeout(WAIT_S):
            await parts.state.wait_until(lambda state: state.revision >= revision)
    except TimeoutError:
        raise Unavailable(
            f"registry: revision {revision} was asked for; this node has seen"
            f" {parts.state.value.revision}"
        ) from None


def is_dry_run(query: bytes) -> bool:
    """Whether `?dryrun` stands in the query; what is not "false" means it, lest a write be done."""
    sent = (part.partition(b"=") for part in query.split(b"&"))
    return any(
        unquote_to_bytes(name) == b"dryrun" and unquote_to_bytes(value) != b"false"
        for name, _, value in sent
    )


def _revision(revision: int) -> Header:
    return REVISION, b"%d" % revision


def _with(response: Response, *headers: Header) -> Response:
    return Response(response.status, response.body, (*response.headers, *headers))
