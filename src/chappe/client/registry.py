"""The client of the hub's registry: xRegistry 1.0-rc4 over HTTP (core/http.md), nothing hidden.

    async with HubClient("http://127.0.0.1:4280") as hub:
        registry = RegistryClient(hub)
        shop = await registry.entity("/messagegroups/shop", Flags(inline=["messages"]))
        await registry.put("/messagegroups/shop/messages/order.paid", {"description": "…"})

Paths are xids; a document's metadata is at its xid with `$details`. Numbers are read exactly: a
fraction is a Decimal, and is written as it was read. What the hub refuses is raised as a class of
`chappe.domain.errors` whose `code` is the spec's name of the error.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal
from urllib.parse import quote

import msgspec

from chappe.client import paths
from chappe.client.hub_client import HubClient
from chappe.client.registry_problems import error_of
from chappe.client.transport import Answer
from chappe.domain.errors import ChappeError

JSON = "application/json"
DRY_RUN = "chappe-dry-run"
_ENCODER = msgspec.json.Encoder(decimal_format="number")

Method = Literal["PUT", "PATCH", "POST", "DELETE"]


@dataclass(frozen=True, slots=True)
class Flags:
    """The flags of a request (core/spec.md "Request Flags").

    Of `filters` one must hold; commas in one part conditions that must all hold. `dry_run` is the
    hub's own flag: the answer is as if it had been done, and nothing is.
    """

    inline: Sequence[str] = ()
    filters: Sequence[str] = ()
    ignore: Sequence[str] = ()
    doc: bool = False
    collections: bool = False
    binary: bool = False
    epoch: int | None = None
    sort: str | None = None
    limit: int | None = None
    setdefaultversionid: str | None = None
    dry_run: bool = False

    @property
    def query(self) -> str:
        """The query with its question mark, or nothing."""
        parts = [
            name
            for name, given in (
                ("doc", self.doc),
                ("collections", self.collections),
                ("binary", self.binary),
                ("dryrun", self.dry_run),
            )
            if given
        ]
        for name, values in (("inline", self.inline), ("ignore", self.ignore)):
            if values:
                parts.append(f"{name}={','.join(map(_quoted, values))}")
        parts += [f"filter={_quoted(one)}" for one in self.filters]
        for name, value in (
            ("epoch", self.epoch),
            ("sort", self.sort),
            ("limit", self.limit),
            ("setdefaultversionid", self.setdefaultversionid),
        ):
            if value is not None:
                parts.append(f"{name}={_quoted(str(value))}")
        return f"?{'&'.join(parts)}" if parts else ""


NO_FLAGS = Flags()


class RegistryClient:
    """The registry of one hub."""

    def __init__(self, hub: HubClient) -> None:
        self._hub = hub

    async def get(self, path: str, flags: Flags = NO_FLAGS) -> Answer:
        """GET a path below the root; the body is the hub's, byte for byte.

        Raises:
            NotFound: nothing is there, or nothing that the filters let through.
        """
        return await self._ask("GET", path, flags)

    async def entity(self, path: str, flags: Flags = NO_FLAGS) -> dict[str, Any]:
        """The JSON object at a path: an entity, or all pages of a collection."""
        found: dict[str, Any] = {}
        async for page in self.pages(path, flags):
            found.update(object_of(page))
        return found

    async def pages(self, path: str, flags: Flags = NO_FLAGS) -> AsyncIterator[Answer]:
        """A collection, page by page, as the hub parts it (core/http.md "Pagination")."""
        target: str | None = path + flags.query
        while target is not None:
            page = await self._ask("GET", target, NO_FLAGS)
            yield page
            target = paths.next_page(page.headers.get("link"))

    async def put(self, path: str, body: object, flags: Flags = NO_FLAGS) -> Answer:
        """Make an entity or replace it."""
        return await self.write("PUT", path, body, flags)

    async def patch(self, path: str, body: object, flags: Flags = NO_FLAGS) -> Answer:
        """Change attributes: those named; None takes one away."""
        return await self.write("PATCH", path, body, flags)

    async def post(self, path: str, body: object, flags: Flags = NO_FLAGS) -> Answer:
        """Make or replace what is below a path: all of it, or none."""
        return await self.write("POST", path, body, flags)

    async def delete(self, path: str, body: object = None, flags: Flags = NO_FLAGS) -> Answer:
        """Take an entity away, or those of a collection that `body` names (an object by id)."""
        return await self.write("DELETE", path, body, flags)

    async def write(self, method: Method, path: str, body: object, flags: Flags) -> Answer:
        """One request that writes; the hub does all of it or nothing.

        Raises:
            Conflict: an epoch that was sent is not the present one.
            CallerError: it breaks a rule; `details` hold `subject` and `args`.
            ChappeError: a dry run was asked for and the hub did it in earnest.
        """
        sent = b"" if body is None and method == "DELETE" else _ENCODER.encode(body)
        answer = await self._ask(method, path, flags, sent)
        if flags.dry_run and DRY_RUN not in answer.headers:
            raise ChappeError(
                f"{path}: a dry run was asked for, but the hub knows none and has done it in earnest"
            )
        return answer

    async def _ask(self, method: str, path: str, flags: Flags, body: bytes = b"") -> Answer:
        headers = {"accept": JSON}
        if body:
            headers["content-type"] = JSON
        answer = await self._hub.exchange(method, path + flags.query, body, headers)
        if answer.status >= 300:
            raise error_of(answer)
        return answer


def object_of(answer: Answer) -> dict[str, Any]:
    """The answer's JSON object, its numbers exact.

    Raises:
        ChappeError: it is none.
    """
    try:
        found = json.loads(answer.body, parse_float=Decimal)
    except ValueError as exc:
        raise ChappeError(f"the answer is no JSON ({exc}); is this a hub of chappe?") from exc
    if not isinstance(found, dict):
        raise ChappeError("the answer is no JSON object; is this a hub of chappe?")
    return found


def encoded(value: object) -> bytes:
    """JSON in which Decimals are numbers as they were read."""
    return _ENCODER.encode(value)


def joined(*ids: str) -> str:
    """The path of an entity: ("schemagroups", "shop") -> "/schemagroups/shop", escaped for a URL."""
    return "".join(f"/{quote(id_, safe='$:@~._-')}" for id_ in ids)


def _quoted(text: str) -> str:
    # "," and "=" have their meaning before the percent-decoding (core/spec.md "Filter Flag").
    return quote(text, safe=",=*.!<>'[]~:@-_")
