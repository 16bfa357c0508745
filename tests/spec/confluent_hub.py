"""The Schema Registry API over a registry in memory, asked without a network."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any, NamedTuple

import pytest
import pytest_asyncio

from chappe.adapters.memory.registry_log import MemoryRegistryLog
from chappe.adapters.protoc.compiler import ProtocCompiler
from chappe.adapters.system.secrets import SystemSecrets
from chappe.flows.confluent import Confluent
from chappe.flows.materialise import Materialise
from chappe.flows.register import Register
from chappe.formats.confluent.parsing import Parser
from chappe.formats.languages import Languages, every_language
from chappe.http.confluent.answer import answer
from chappe.http.exchange import Header, Response
from chappe.kit.latest import Latest
from chappe.ports.authorizer import Authorizer, Open
from chappe.registry.entity import Resource
from chappe.registry.state import State, empty
from chappe.testing.fake_clock import FakeClock
from chappe.testing.hub_registry import hub_tree, writing

MEDIA = b"application/vnd.schemaregistry.v1+json"
STRING = '"string"'


class Reply(NamedTuple):
    """What was answered."""

    status: int
    json: Any
    headers: Mapping[bytes, bytes]
    body: bytes

    @property
    def code(self) -> tuple[int, int]:
        """The status, and the API's own code."""
        assert isinstance(self.json["message"], str)
        return self.status, self.json["error_code"]


@dataclass
class Call:
    """One request as a server hands it over."""

    method: str
    path: bytes
    query: bytes
    headers: list[Header]
    sent: bytes

    async def body(self, limit_bytes: int) -> bytes:
        return self.sent

    async def answer(self, response: Response) -> None:
        raise AssertionError("the caller answers")


@dataclass
class Api:
    """The API, and the registry that it stands upon."""

    confluent: Confluent
    register: Register
    log: MemoryRegistryLog
    authorizer: Authorizer

    async def ask(
        self,
        method: str,
        target: str,
        sent: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """One request; `sent` is JSON, or bytes as they are."""
        path, _, query = target.partition("?")
        body = (
            sent if isinstance(sent, bytes) else b"" if sent is None else json.dumps(sent).encode()
        )
        pairs = {"content-type": MEDIA.decode(), **(headers or {})}
        call = Call(
            method,
            path.encode(),
            query.encode(),
            [(name.encode(), value.encode()) for name, value in pairs.items()],
            body,
        )
        done = await answer(self.confluent, self.authorizer, call, prefix=b"", limit_bytes=1 << 24)
        status, answered, given = done.response
        shown = None
        if answered[:1] in b'{["0123456789':
            shown = json.loads(answered) if answered else None
        return Reply(status, shown, dict(given), answered)

    async def put(self, subject: str, schema: Any, type: str = "AVRO", **more: Any) -> Reply:
        """Register a schema; a text, or what is its JSON."""
        text = schema if isinstance(schema, str) else json.dumps(schema)
        body = {"schema": text, "schemaType": type, **more}
        return await self.ask("POST", f"/subjects/{subject}/versions", body)

    async def write(self, method: Any, path: str, body: Any) -> None:
        """A write through the registry's own API."""
        await self.register.write(writing(method, path, body))

    def schema(self, xid: str) -> Resource:
        """A schema as the registry has it."""
        found = self.register.state.value.tree.resource(xid)
        assert found is not None, xid
        return found


def record(name: str, **fields: Any) -> dict[str, Any]:
    """A record whose fields are of the types; (type, default) gives a default."""
    return {
        "type": "record",
        "name": name,
        "fields": [
            {"name": one, "type": type_[0], "default": type_[1]}
            if isinstance(type_, tuple)
            else {"name": one, "type": type_}
            for one, type_ in fields.items()
        ],
    }


@pytest.fixture(scope="session")
def languages() -> Iterator[Languages]:
    with ProtocCompiler() as compiler:
        yield every_language(compiler)


async def api_of(languages: Languages, log: MemoryRegistryLog, authorizer: Authorizer) -> Api:
    """The API upon a log, of which the registry is read or founded."""
    clock, secrets = FakeClock(), SystemSecrets(b"k" * 32)
    state: Latest[State] = Latest(empty(1))
    materialise = Materialise(log, state, clock, secrets, shards=1)
    await materialise.load()
    await materialise.found(hub_tree(offer=languages.offer), by="test")
    numbers = count(1)

    async def extent(channel: str, start: str) -> int:
        return 0

    register = Register(
        log,
        state,
        clock,
        secrets,
        lambda: f"s-{next(numbers)}",
        extent,
        languages,
        languages.offer,
        language=languages,
        correlation=lambda: f"c-{next(numbers)}",
    )
    return Api(Confluent(state, register, Parser(languages)), register, log, authorizer)


@pytest_asyncio.fixture
async def api(languages: Languages) -> AsyncIterator[Api]:
    yield await api_of(languages, MemoryRegistryLog(), Open())
