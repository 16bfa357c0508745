"""What `chappe mcp` can tell: each method is a tool, its docstring what an assistant is told of it.

Each gives a value that JSON can hold; `mcp_server` bounds it, and makes tool errors of what is raised.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import msgspec

from chappe.cli.registry_diff import as_object
from chappe.cli.registry_files import read_documents
from chappe.cli.registry_find import (
    ENDPOINTS,
    SCHEMAS,
    TYPES,
    Entity,
    ask,
    find_one,
    group_of,
    id_of,
)
from chappe.cli.registry_plan import Ways, make_plan
from chappe.cli.registry_roles import carries, roles
from chappe.cli.registry_seen import types_seen
from chappe.client import paths
from chappe.client.hub_client import EVENT, JSON, HubClient
from chappe.client.paths import DEFAULT_CHANNEL, EventQuery
from chappe.client.problems import error_of
from chappe.client.registry import RegistryClient, object_of
from chappe.domain.errors import ChappeError, Malformed, NotFound

Kind = Literal["type", "schema", "endpoint", "subscription"]
Rule = Literal[
    "backward",
    "forward",
    "full",
    "backward_transitive",
    "forward_transitive",
    "full_transitive",
]

_MOST: Final = 100
_OF_A_FAILURE = (
    "position", "buriedat", "state", "subscription", "reason", "type", "source", "id", "attempts",
)  # fmt: skip


class Reading:
    """The tools that change nothing."""

    def __init__(self, hub: HubClient, *, files: Path | None = None) -> None:
        """`files` is the directory whose files `diff_registry` may read; None: no files are read."""
        self._hub = hub
        self._registry = RegistryClient(hub)
        self._files = None if files is None else files.resolve()

    async def hub_status(self) -> object:
        """Tell whether the hub is ready, which version it is, and what is wrong if it is not."""
        return _decoded((await self._hub.readiness()).body)

    async def find(
        self, words: str = "", kind: Kind | None = None, limit: int = 20, offset: int = 0
    ) -> object:
        """Find event types, schemas, endpoints (producers and consumers) and subscriptions by words.

        All words must be in the id, name, description, labels or sink. Without words: all of them, by
        name. `more` is how many follow after offset + limit.
        """
        asked = words.casefold().split()
        found = [one for one in await self._all(kind) if _fits(one, asked)]
        found.sort(key=lambda one: (asked != [one["id"].casefold()], one["id"].casefold()))
        page = found[max(offset, 0) :][: _limited(limit)]
        return {"found": page, "more": max(0, len(found) - max(offset, 0) - len(page))}

    async def get_type(self, type: str, group: str | None = None) -> object:
        """Show one event type: attributes, payload schema, who produces and consumes it, what was seen.

        `type` is its name (order.paid) or its xid. A type that is seen but not declared has no `declared`.
        """
        seen = await types_seen(self._registry, DEFAULT_CHANNEL, matching=type)
        told = [msgspec.to_builtins(one) for one in seen if one.type == type]
        try:
            found = await find_one(self._registry, TYPES, type, group=group)
        except NotFound:
            if not told:
                raise
            return {"type": type, "seen": told}
        ends = await self._entities(ENDPOINTS.name)
        sides = {
            role: [id_of(one) for one in ends if role in roles(one) and carries(one, found)]
            for role in ("producers", "consumers")
        }
        return {"type": id_of(found), "declared": found, **sides, "seen": told}

    async def get_schema(self, schema: str, group: str | None = None) -> object:
        """Show one schema with its document: of a type (order.paid), or of a schema group, or by xid."""
        found = await find_one(self._registry, SCHEMAS, schema, group=group)
        xid = str(found["xid"])
        if not xid.startswith("/schemagroups/"):
            return found
        answer = await self._registry.get(xid)
        return {**found, "document": answer.body.decode(errors="replace")}

    async def sample_events(
        self,
        type: str | None = None,
        source: str | None = None,
        subject: str | None = None,
        channel: str = DEFAULT_CHANNEL,
        limit: int = 3,
        cursor: str | None = None,
    ) -> object:
        """Show stored events, the newest first. `cursor` of an answer gives those before them.

        What a type's policy takes out stands there as «redacted: RULE».
        """
        query = EventQuery(
            channel, type, source, subject, position=cursor, limit=_limited(limit), redact=True
        )
        page = await self._hub.page(query.path)
        events = [
            {"position": one.position, "acceptedat": one.acceptedat, "event": _decoded(one.event)}
            for one in page.events
        ]
        return {"events": events, **_cursor(page.next)}

    async def validate_event(
        self, event: dict[str, Any] | None = None, payload: Any = None, schema: str | None = None
    ) -> object:
        """Tell whether an event is valid, and fits what is declared for its type. Nothing is stored.

        Either `event` in the JSON format of CloudEvents, or `payload` with the xid of a `schema`.
        """
        if event is not None:
            return await self._posted("/validate", msgspec.json.encode(event), EVENT)
        if schema is None:
            raise Malformed("validate_event: give `event`, or `payload` with `schema`")
        path = f"/validate?schema={quote(schema, safe='/')}"
        return await self._posted(path, msgspec.json.encode(payload), JSON)

    async def check_schema(
        self, document: str, against: str, rule: Rule | None = None, group: str | None = None
    ) -> object:
        """Tell whether a schema may become `document`, and which stored events would no longer be valid.

        `against` is the type, schema or xid that is to change. `verdict` is about `rule`, else the rule
        that the schema keeps, else backward. Nothing is changed.
        """
        xid = against
        if not xid.startswith("/"):
            xid = str((await find_one(self._registry, SCHEMAS, against, group=group))["xid"])
        path = f"/validate/schema?{urlencode({'against': xid}, safe='/')}"
        told = await self._posted(path, document.encode(), None)
        kept = rule or told.get("rule") or "backward"
        misfits = sum(one.get("invalid", 0) for one in told.get("evidence", ()))
        allowed = bool(told["compatible"].get(kept)) and not misfits
        return {"verdict": "allowed" if allowed else "not allowed", "by": kept, **told}

    async def trace_event(self, reference: str, channel: str = DEFAULT_CHANNEL) -> object:
        """Tell what became of an event: for each subscription its attempts, or why it did not match.

        `reference` is a position (2-1041-7), an id, or SOURCE#ID.
        """
        return _decoded((await self._hub.read(paths.trace(reference, channel))).body)

    async def explain_subscriptions(
        self,
        reference: str | None = None,
        event: dict[str, Any] | None = None,
        subscriptions: Sequence[str] = (),
        channel: str = DEFAULT_CHANNEL,
    ) -> object:
        """Tell which subscriptions would get an event, and which test of their filters decided.

        Either `reference` of a stored event, or an `event` in the JSON format that is not published.
        """
        if (reference is None) == (event is None):
            raise Malformed("explain_subscriptions: give either `reference` or `event`")
        if reference is not None:
            body = await self._hub.event(reference, channel=channel)
        else:
            body = msgspec.json.encode(event)
        return await self._posted(paths.explained(channel, subscriptions), body, EVENT)

    async def list_failures(
        self,
        subscription: str | None = None,
        type: str | None = None,
        reason: str | None = None,
        state: Literal["open", "redriving", "redriven", "discarded"] | None = None,
        limit: int = 20,
        cursor: str | None = None,
    ) -> object:
        """List events that could not be delivered (dead letters), the newest first, with the reason.

        `reason` is a part of it. `cursor` of an answer gives those that follow.
        """
        given = {
            "subscription": subscription,
            "type": type,
            "reason": reason,
            "state": state,
            "position": cursor,
        }
        asked = {name: one for name, one in given.items() if one is not None}
        answer = await self._hub.read(paths.dead_letters({**asked, "limit": str(_limited(limit))}))
        letters = [
            {name: one[name] for name in _OF_A_FAILURE if name in one}
            for one in _decoded(answer.body)
        ]
        return {"failures": letters, **_cursor(paths.next_page(answer.headers.get("link")))}

    async def diff_registry(self, files: Sequence[str], prune: bool = False) -> object:
        """Tell what applying registry files (JSON or YAML) would change. Nothing is changed.

        `files` are files or directories below the directory that the server was started in.
        """
        documents = read_documents([str(self._inside(one)) for one in files])
        plan = await make_plan(self._registry, documents, Ways(prune=prune))
        changes = [as_object(one) for one in plan.all_changes if one.kind != "same"]
        return {"changes": changes}

    def _inside(self, name: str) -> Path:
        if self._files is None:
            raise Malformed("files: this server reads no files")
        path = (self._files / name).resolve()
        if not path.is_relative_to(self._files):
            raise Malformed(
                f"files: {name!r} is outside of {str(self._files)!r}",
                next="start chappe mcp in the directory that holds the files",
            )
        if not path.exists():
            raise NotFound(f"files: there is no {name!r} in {str(self._files)!r}", subject=name)
        return path

    async def _all(self, kind: Kind | None) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for name in ("type", "schema", "endpoint"):
            if kind in (None, name):
                found += [_shown(name, one) for one in await self._entities(name)]
        if kind in (None, "subscription"):
            answer = await self._hub.read(paths.SUBSCRIPTIONS)
            found += [_subscription(one) for one in _decoded(answer.body)]
        return found

    async def _entities(self, name: str) -> list[Entity]:
        kind = {"type": TYPES, "schema": SCHEMAS, "endpoint": ENDPOINTS}[name]
        try:
            found, _ = await ask(self._registry, kind, ())
        except NotFound:
            return []  # a registry whose model has none of them
        if name == "schema":  # a type's own schema is shown with the type
            return [one for one in found if str(one["xid"]).startswith("/schemagroups/")]
        return found

    async def _posted(self, path: str, body: bytes, content_type: str | None) -> dict[str, Any]:
        headers = {"accept": JSON} | ({"content-type": content_type} if content_type else {})
        answer = await self._hub.exchange("POST", path, body, headers)
        if answer.status != 200:
            raise error_of(answer)
        return object_of(answer)


def _decoded(body: bytes | msgspec.Raw) -> Any:
    try:
        return json.loads(bytes(body))
    except ValueError as exc:
        raise ChappeError(f"the hub's answer is no JSON ({exc})") from exc


def _limited(limit: int) -> int:
    if not 1 <= limit <= _MOST:
        raise Malformed(f"limit: {limit} is not from 1 to {_MOST}")
    return limit


def _cursor(next_path: str | None) -> Mapping[str, str]:
    position = parse_qs(urlsplit(next_path or "").query).get("position")
    return {"cursor": position[0]} if position else {}


def _shown(kind: str, one: Entity) -> dict[str, Any]:
    about = {
        name: one[name]
        for name in ("name", "description", "labels", "format", "dataschemaformat")
        if one.get(name)
    }
    return {"kind": kind, "id": id_of(one), "group": group_of(one), "xid": one["xid"], **about}


def _subscription(one: Mapping[str, Any]) -> dict[str, Any]:
    told = {
        name: one[name]
        for name in ("sink", "types", "source", "filters", "channel", "description")
        if one.get(name)
    }
    return {"kind": "subscription", "id": str(one["id"]), **told, "status": one.get("status")}


def _fits(one: Mapping[str, Any], words: Sequence[str]) -> bool:
    names = ("id", "name", "description", "labels", "sink", "types", "group")
    said = " ".join(str(one.get(name) or "") for name in names).casefold()
    return all(word in said for word in words)
