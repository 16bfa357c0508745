"""Writers to the registry: trees of several entities in one request, each marked with its number.

    tree      POST /schemagroups             a group of its own, two schemas, two versions each
    schemas   POST /schemagroups/G/schemas   two schemas, three versions, into a shared group
    versions  POST …/schemas/S/versions      two versions, into a shared schema
    drop      DELETE /schemagroups/G         a tree that was acknowledged before

Nothing is sent again: what was not answered may have been done or not, but never by half.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any, Literal, TypeAlias

from tests.chaos.http import Answer, Client, NoAnswer

AGAIN_S = 0.05
SHARED = ("shared-0", "shared-1", "shared-2")
STEM = "stem"
"""The schema of each shared group that gets versions."""

Kind: TypeAlias = Literal["tree", "schemas", "versions", "drop"]
KINDS: tuple[Kind, ...] = ("tree", "schemas", "versions", "versions", "schemas", "drop")


@dataclass(slots=True)
class Request:
    """One write, and what its answer said; no answer, no correlation."""

    number: int
    kind: Kind
    group: str
    made: frozenset[str] = frozenset()
    """The xids of the groups and versions that it makes, each with its number as a label."""
    correlation: str = ""
    revision: int = 0

    @property
    def acknowledged(self) -> bool:
        """Whether it was answered."""
        return self.correlation != ""


@dataclass(slots=True)
class Requests:
    """Everything that was asked for, in the order of asking."""

    all: list[Request] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    """Answers that no request of these may get."""

    @property
    def acknowledged(self) -> list[Request]:
        """Those that were answered."""
        return [one for one in self.all if one.acknowledged]

    def begun(self, kind: Kind, group: str) -> Request:
        """A request under way."""
        one = Request(len(self.all), kind, group)
        self.all.append(one)
        return one


class Writer:
    """One connection that writes, one request after another."""

    def __init__(self, client: Client, requests: Requests, random: Random, pause_s: float) -> None:
        self._client = client
        self._requests = requests
        self._random = random
        self._pause_s = pause_s
        self._trees: list[str] = []

    async def run(self, stopped: Callable[[], bool]) -> None:
        """Write until told to stop."""
        while not stopped():
            try:
                await self._write()
            except NoAnswer:
                await asyncio.sleep(AGAIN_S)
            if self._pause_s:
                await asyncio.sleep(self._random.uniform(0, 2 * self._pause_s))
        await self._client.close()

    async def _write(self) -> None:
        kind = self._random.choice(KINDS)
        if kind == "drop" and not self._trees:
            kind = "tree"
        if kind == "drop":
            one = self._requests.begun("drop", self._trees.pop())
            self._done(one, await self._client.ask("DELETE", f"/schemagroups/{one.group}"))
            return
        one = self._requests.begun(kind, self._random.choice(SHARED))
        if kind == "tree":
            one.group = f"tree-{one.number}"
        path, body = asked(one)
        self._done(one, await self._client.ask_json("POST", path, body))
        if kind == "tree" and one.acknowledged:
            self._trees.append(one.group)

    def _done(self, one: Request, answer: Answer) -> None:
        if answer.status in (200, 201, 204):
            one.correlation = answer.headers["xregistry-xregcorrelationid"]
            one.revision = int(answer.headers["chappe-revision"])
        elif answer.status != 503:  # the engine was away: it may have been done
            self._requests.refused.append(
                f"{one.kind} {one.number}: {answer.status} {answer.body[:300]!r}"
            )


def asked(one: Request) -> tuple[str, dict[str, Any]]:
    """The path and the body of a request; sets what it makes."""
    n, group = one.number, f"/schemagroups/{one.group}"
    marked = {"labels": {"request": str(n)}}
    if one.kind == "versions":
        ids = (f"v{n}-1", f"v{n}-2")
        one.made = frozenset(f"{group}/schemas/{STEM}/versions/{id}" for id in ids)
        return f"{group}/schemas/{STEM}/versions", {id: version(n) for id in ids}
    shapes = {
        f"s{n}-1": ("v1", "v2"),
        f"s{n}-2": ("v1",) if one.kind == "schemas" else ("v1", "v2"),
    }
    schemas = {id: {"versions": {vid: version(n) for vid in vids}} for id, vids in shapes.items()}
    made = {f"{group}/schemas/{id}/versions/{vid}" for id, vids in shapes.items() for vid in vids}
    if one.kind == "schemas":
        one.made = frozenset(made)
        return f"{group}/schemas", schemas
    one.made = frozenset({group, *made})
    return "/schemagroups", {one.group: {**marked, "schemas": schemas}}


def version(number: int) -> dict[str, Any]:
    """A version that carries its request's number."""
    schema = {"type": "object", "title": f"of request {number}", "description": "x" * 200}
    labels = {"request": str(number)}
    return {"labels": labels, "format": "JsonSchema/draft-07", "schema": schema}


async def prepare(client: Client) -> None:
    """Make the shared groups, each with the schema that gets versions."""
    schemas = {STEM: {"versions": {"v0": {"format": "JsonSchema/draft-07", "schema": {}}}}}
    body = {group: {"schemas": schemas} for group in SHARED}
    answer = await client.ask_json("POST", "/schemagroups", body)
    assert answer.status == 200, answer.body
