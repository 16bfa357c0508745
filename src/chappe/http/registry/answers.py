"""The two entry points of the registry's edge: a request and a tree in, a response out.

`answer_read` serves GET, HEAD and OPTIONS, `answer_write` the rest. Neither waits, reads a clock, or
fetches anything; a `<R>url` is stored and shown, never followed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, Literal, TypeAlias

from chappe.http.exchange import Header, Response
from chappe.http.registry import shown
from chappe.http.registry.asked import READS, Asked, Edge
from chappe.http.registry.bodies import parse_json
from chappe.http.registry.compression import accepts_gzip, compressed
from chappe.http.registry.conditions import check_unchanged, not_modified
from chappe.http.registry.documents import kept_document_response
from chappe.http.registry.entity_tags import tagged
from chappe.http.registry.errors import Refused, error_response
from chappe.http.registry.header_values import document_write, has_attributes
from chappe.http.registry.methods import allowed, check_available, check_method
from chappe.http.registry.pages import one_page, wants_page
from chappe.registry.capabilities import is_available, is_mutable
from chappe.registry.entity import Tree
from chappe.registry.errors import RegistryError
from chappe.registry.flags import Flags
from chappe.registry.paths import DISCOVERY, expanded, parse_path, shown_path
from chappe.registry.request import ABSENT, Rules, Write, Written
from chappe.registry.request_flags import parse_flags
from chappe.registry.target import COLLECTIONS, Level, Target
from chappe.registry.write import write


def answer_read(tree: Tree, asked: Asked, edge: Edge, *, revision: int = 0) -> Response:
    """The answer to a GET, HEAD or OPTIONS; a refusal is one, too.

    Args:
        tree: the registry.
        asked: the request.
        edge: see `Edge`.
        revision: of `tree`; a larger number for each write, for the cursors of pages.
    """
    try:
        response = _read(tree, asked, edge, revision)
    except (RegistryError, Refused) as error:
        response = error_response(error)
    return _finished(response, asked, edge)


def answer_write(
    tree: Tree, asked: Asked, edge: Edge, *, now: str, rules: Rules, admin: bool = False
) -> tuple[Written | None, Response]:
    """What a PUT, PATCH, POST or DELETE comes to, and its answer; None where it was refused.

    The response shows the registry as it will be; send it once `Written` is stored.

    Args:
        tree: the registry before.
        asked: the request.
        edge: see `Edge`.
        now: the time of the request, RFC 3339 in UTC.
        rules: what the write is checked against.
        admin: whether the client may edit `readonly` of a resource's meta.
    """
    try:
        written, response = _write(tree, asked, edge, now=now, rules=rules, admin=admin)
    except (RegistryError, Refused) as error:
        return None, _finished(error_response(error), asked, edge)
    return written, _finished(response, asked, edge)


def _read(tree: Tree, asked: Asked, edge: Edge, revision: int) -> Response:
    path = shown_path(asked.path)
    if asked.path.strip(b"/") == DISCOVERY.encode():
        return shown.discovery(tree, asked, edge)
    target = parse_path(expanded(asked.path, edge.find), tree.model)
    if asked.method == "OPTIONS":
        return _options(target, tree, asked, edge)
    check_available(target, tree.capabilities)
    check_method(asked.method, target, tree.capabilities, path)
    flags = parse_flags(asked.query, target=target, method=asked.method, tree=tree, path=path)
    if target.is_document and not (flags.doc or flags.filters):
        return not_modified(asked, kept_document_response(tree, target, asked.base))
    if wants_page(flags):
        response = one_page(tree, target, flags, asked, edge, revision=revision)
    else:
        response = shown.shown(tree, target, flags, asked, edge)
    return not_modified(asked, tagged(response, tree, target))


def _options(target: Target, tree: Tree, asked: Asked, edge: Edge) -> Response:
    methods = allowed(target, tree.capabilities)
    others = [one for one in methods if one in READS or edge.cross_origin == "all"]
    headers: list[Header] = [
        (b"allow", ", ".join(methods).encode()),
        (b"access-control-allow-methods", ", ".join(others).encode()),
    ]
    return Response(200, b"", tuple(headers))


def _write(
    tree: Tree, asked: Asked, edge: Edge, *, now: str, rules: Rules, admin: bool
) -> tuple[Written, Response]:
    path = shown_path(asked.path)
    if asked.path.strip(b"/") == DISCOVERY.encode():
        raise shown.discovery_is_read_only(asked.method, path)
    target = parse_path(expanded(asked.path, edge.find), tree.model)
    check_available(target, tree.capabilities)
    check_method(asked.method, target, tree.capabilities, path)
    if len(asked.body) > edge.body_bytes:
        raise Refused(
            413, "too_large", path, f"The request's body is longer than {edge.body_bytes} bytes."
        )
    if asked.method != "DELETE" and not target.is_document:
        _check_no_attributes(asked, path)
    may_replace_model = target.level is Level.REGISTRY
    flags = parse_flags(
        asked.query,
        target=target,
        method=asked.method,
        tree=tree,
        path=path,
        inline=not may_replace_model,
    )
    check_unchanged(tree, target, asked, path, lambda: _plain(tree, target, asked, edge))
    body = _body(asked, target, path, edge)
    if target.level is Level.REGISTRY and asked.method != "POST":
        body = _without_read_only(body, tree, flags)
    request = Write(
        method=_METHODS[asked.method],
        target=target,
        body=body,
        flags=flags,
        now=now,
        path=path,
        admin=admin,
    )
    written = write(tree, request, rules)
    if may_replace_model:
        answered = _as_answered(tree, written.tree)
        flags = parse_flags(
            asked.query, target=target, method=asked.method, tree=answered, path=path
        )
    return written, shown.written(written, request, flags, asked, edge)


def _as_answered(before: Tree, after: Tree) -> Tree:
    """The registry by which the flags of a write to the registry itself shape its answer.

    core/spec.md "`capabilities` Attribute": what comes after capabilities is processed by the new
    ones, but what decides whether capabilities and modelsource are taken at all, by the former.
    """
    former = {name: before.capabilities[name] for name in ("ignores", "specversions")}
    return replace(after, capabilities={**after.capabilities, **former})


_Method: TypeAlias = Literal["PUT", "PATCH", "POST", "DELETE"]
_METHODS: Final[Mapping[str, _Method]] = {
    "PUT": "PUT",
    "PATCH": "PATCH",
    "POST": "POST",
    "DELETE": "DELETE",
}


def _plain(tree: Tree, target: Target, asked: Asked, edge: Edge) -> Response:
    """What a GET without flags would show."""
    return tagged(shown.shown(tree, target, Flags(), asked, edge), tree, target)


def _check_no_attributes(asked: Asked, path: str) -> None:
    name = has_attributes(asked.headers)
    if name is not None:
        raise RegistryError(
            "extra_xregistry_header",
            path,
            name=name.decode("ascii", "replace"),
            error_detail='including "xRegistry" HTTP headers when "$details" is used is not allowed',
        )


def _body(asked: Asked, target: Target, path: str, edge: Edge) -> Any:
    if asked.method == "DELETE":
        return _body_of_delete(asked, target, path, edge)
    if target.is_document and target.resource_type is not None:
        return document_write(asked.headers, asked.body, target.resource_type, subject=path)
    if not asked.body.strip():
        raise RegistryError("missing_body", path)
    value = parse_json(asked.body, subject=path, depth=edge.depth)
    if value is None and target.level is Level.MODELSOURCE:
        value = {}  # as where it is an attribute of the registry (core/http.md "PUT /")
    return _object(value, path)


def _without_read_only(body: Any, tree: Tree, flags: Flags) -> Any:
    """The registry's attributes without those that clients may not change.

    A read-only attribute is silently ignored (core/http.md "Creating or Updating Entities"), so that
    what was exported can be imported; one that is not available at all is an error.
    """
    for name in ("capabilities", "modelsource"):
        if name in body and name not in flags.ignore:
            if not is_available(tree.capabilities, name):
                raise RegistryError("not_available", f"/{name}")
            if not is_mutable(tree.capabilities, name):
                body = {key: value for key, value in body.items() if key != name}
    return body


def _object(value: Any, path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise RegistryError(
            "parsing_data", path, error_detail="the body must be a JSON object, such as {}"
        )
    return value


def _body_of_delete(asked: Asked, target: Target, path: str, edge: Edge) -> Any:
    """The map of a DELETE of a collection; absent, it deletes all, so it must be meant so."""
    if target.level not in COLLECTIONS:
        return ABSENT
    if not asked.body.strip():
        length = asked.header(b"content-length")
        announced = asked.header(b"transfer-encoding") is not None
        if asked.body or announced or (length is not None and length.strip() != b"0"):
            # Something on the way may have dropped the map; nobody asked to delete all.
            raise RegistryError("missing_body", path)
        return ABSENT
    return _object(parse_json(asked.body, subject=path, depth=edge.depth), path)


_ACROSS_ORIGINS: Final[tuple[Header, ...]] = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"*"),
)


def _finished(response: Response, asked: Asked, edge: Edge) -> Response:
    """With the headers of every response (core/http.md "xRegistry Root HTTP Header")."""
    link: Header = (b"link", f"<{asked.base}>;rel=xregistry-root".encode())
    is_open = edge.cross_origin == "all" or (edge.cross_origin == "reads" and asked.method in READS)
    headers = (*response.headers, link, *(_ACROSS_ORIGINS if is_open else ()))
    finished = Response(response.status, response.body, headers)
    return compressed(finished) if accepts_gzip(asked.header(b"accept-encoding")) else finished
