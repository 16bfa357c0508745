"""Real schemas, real payloads: GitHub's webhooks through a real hub, beside an independent validator.

The schemas and the examples are Octokit's, from npm. Each definition is registered with all that it
refers to, and enforced for a type of its own where there are examples of it; each example is published
under the type of its action, those of the first site also under that of its event, which is one of
all its actions. The hub must say of each what `jsonschema` says.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio
from jsonschema import Draft7Validator
from npm_package import NpmPackage
from tests.chaos.http import Answer, Client
from tests.chaos.hub import HubProcess

pytestmark = [
    pytest.mark.engine,
    pytest.mark.timeout(180),
    pytest.mark.asyncio(loop_scope="module"),
]

SCHEMAS = NpmPackage(
    "@octokit/webhooks-schemas",
    "7.6.1",
    "sha512-qW0Bwtb76r4m2WzVhKDyfEeEnt1GEQoRjkCqmq2ZeB0nNVDJ+Z2LBDS9FDPyduuMXf/ZTWiCJp9PFFHgRfBe3A==",
)
EXAMPLES = NpmPackage(
    "@octokit/webhooks-examples",
    "7.6.1",
    "sha512-De6U3XB6O3DtCa7bKgCMzTHdeopqqZ6SNivMYJnK65ierKL1AnNIA0tkRYCRS7lwGT792d+Ps1WbfHlso6MynQ==",
)
SITES = ("api.github.com", "ghes-31", "ghes-32", "ghes-33", "ghes-34", "ghes-35")

CHANNEL = "webhooks"
PREFIX = "com.github."
CALLERS = 8

Fault = tuple[str, str]
"""A JSON pointer and the keyword that is broken there."""

Path = tuple[str | int, ...]


@dataclass
class Webhooks:
    """A hub with all of the schemas, and what it is compared with; types are without PREFIX."""

    hub: HubProcess
    documents: Mapping[str, Any]
    examples: Sequence[tuple[str, Any]]
    first_site: int
    sent: int = 0
    witnesses: dict[str, Draft7Validator] = field(default_factory=dict)
    found: dict[tuple[int, str], set[Fault]] = field(default_factory=dict)

    def faults(self, type_: str, payload: Any) -> set[Fault]:
        """What the independent validator finds."""
        if type_ not in self.witnesses:
            self.witnesses[type_] = Draft7Validator(self.documents[type_])
        errors = self.witnesses[type_].iter_errors(payload)
        return {(_pointer(tuple(one.absolute_path)), str(one.validator)) for one in errors}

    def faults_of(self, number: int, type_: str) -> set[Fault]:
        """The same of an example; it is asked for once, since it takes the validator some 10 ms."""
        if (number, type_) not in self.found:
            self.found[number, type_] = self.faults(type_, self.examples[number][1])
        return self.found[number, type_]

    def types_of(self, event: str, payload: Any) -> list[str]:
        """The types that an example is of: of its event, and of its action."""
        action = payload.get("action")
        names = [f"{event}_event", f"{event}.event", f"{event}.{action}"]
        return [name for name in names if name in self.documents]

    async def publish(self, events: Sequence[tuple[str, Any]]) -> list[Answer]:
        """Publish (type, payload) pairs, some at a time; the answers are in their order."""
        answers: dict[int, Answer] = {}
        waiting = iter(list(enumerate(events)))

        async def call(client: Client) -> None:
            for index, (type_, payload) in waiting:
                self.sent += 1
                headers = {
                    "ce-specversion": "1.0",
                    "ce-id": str(self.sent),
                    "ce-source": "/github",
                    "ce-type": f"{PREFIX}{type_}",
                    "content-type": "application/json",
                }
                body = json.dumps(payload).encode()
                target = f"/channels/{CHANNEL}/events"
                answers[index] = await client.ask("POST", target, headers, body)

        await asyncio.gather(*(call(self.hub.client()) for _ in range(CALLERS)))
        return [answers[index] for index in range(len(events))]


def _pointer(path: Path) -> str:
    return "".join("/" + str(one).replace("~", "~0").replace("/", "~1") for one in path)


def _documents(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Each definition with all that it refers to, by a name that an event type may have."""
    definitions = schema["definitions"]
    found: dict[str, Any] = {"any": schema}
    for name, definition in definitions.items():
        needed: dict[str, Any] = {}
        waiting = list(_references(definition))
        while waiting:
            one = waiting.pop()
            if one not in needed:
                needed[one] = definitions[one]
                waiting += _references(definitions[one])
        document = {"$schema": schema["$schema"], **definition, "definitions": needed}
        found[name.replace("$", ".")] = document
    return found


def _references(value: Any) -> Iterator[str]:
    match value:
        case dict():
            for name, one in value.items():
                if name == "$ref":
                    yield one.removeprefix("#/definitions/")
                else:
                    yield from _references(one)
        case list():
            for one in value:
                yield from _references(one)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def webhooks(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Webhooks]:
    (schema,) = await asyncio.to_thread(SCHEMAS.json, "schema.json")
    members = [f"{site}/index.json" for site in SITES]
    sites = await asyncio.to_thread(EXAMPLES.json, *members)
    examples = [
        (group["name"], payload)
        for site in sites
        for group in site
        for payload in group["examples"]
    ]
    documents = _documents(schema)
    async with HubProcess(tmp_path_factory.mktemp("webhooks") / "data") as hub:
        first_site = sum(len(group["examples"]) for group in sites[0])
        made = Webhooks(hub, documents, examples, first_site)
        used = {type_ for event, payload in examples for type_ in made.types_of(event, payload)}
        client = hub.client()
        answer = await client.ask_json("PUT", f"/channels/{CHANNEL}", {"undeclared": "refuse"})
        assert answer.status == 201, answer.body
        for name, document in documents.items():
            await _register(client, name, document)
            if name in used:
                await _enforce(client, name)
        yield made


async def _register(client: Client, name: str, document: Any) -> None:
    xid = f"/schemagroups/github/schemas/{name}"
    headers = {"xregistry-format": "JsonSchema/draft-07", "content-type": "application/json"}
    answer = await client.ask("PUT", xid, headers, json.dumps(document).encode())
    assert answer.status == 201, (name, answer.body)


async def _enforce(client: Client, name: str) -> None:
    message = {
        "envelope": "CloudEvents/1.0",
        "envelopemetadata": {"type": {"value": f"{PREFIX}{name}"}},
        "dataschemaxid": f"/schemagroups/github/schemas/{name}",
        "validation": "enforce",
    }
    answer = await client.ask_json("PUT", f"/messagegroups/github/messages/{name}", message)
    assert answer.status == 201, (name, answer.body)


def faults_in(answer: Answer) -> set[Fault]:
    """What the hub says is wrong; nothing where it took the event."""
    if answer.status == 202:
        return set()
    assert answer.status == 422, answer.body
    return {(one["pointer"], one["rule"]) for one in answer.json()["errors"]}


async def test_every_schema_is_registered_as_it_is(webhooks: Webhooks) -> None:
    client = webhooks.hub.client()
    answer = await client.ask("GET", "/schemagroups/github")
    assert answer.json()["schemascount"] == len(webhooks.documents) == 345
    for name, document in webhooks.documents.items():
        answer = await client.ask("GET", f"/schemagroups/github/schemas/{name}")
        assert answer.json() == document


async def test_every_example_is_judged_as_an_independent_validator_does(
    webhooks: Webhooks,
) -> None:
    published = [
        (number, type_, payload)
        for number, (event, payload) in enumerate(webhooks.examples)
        for type_ in webhooks.types_of(event, payload)[0 if number < webhooks.first_site else -1 :]
    ]
    verdicts: Counter[bool] = Counter()
    answers = await webhooks.publish([(type_, payload) for _, type_, payload in published])
    for (number, type_, payload), answer in zip(published, answers, strict=True):
        expected = webhooks.faults_of(number, type_)
        assert faults_in(answer) == expected, (type_, payload)
        verdicts[not expected] += 1
    assert len(webhooks.examples) == 726
    assert min(verdicts.values()) > 200, verdicts


async def test_what_no_schema_is_for_is_refused(webhooks: Webhooks) -> None:
    events = [
        (f"{event}.event", payload)
        for event, payload in webhooks.examples
        if not webhooks.types_of(event, payload)
    ]
    assert events
    for (type_, _), answer in zip(events, await webhooks.publish(events), strict=True):
        assert faults_in(answer) == {("", "type")}
        assert f"no message declares the type '{PREFIX}{type_}'" in answer.json()["detail"]


async def test_a_payload_without_something_required_is_refused_where_it_is_missing(
    webhooks: Webhooks,
) -> None:
    await _refused(webhooks, _without, lambda path: {(_pointer(path[:-1]), "required")})


async def test_a_payload_with_a_value_of_another_type_is_refused_where_it_stands(
    webhooks: Webhooks,
) -> None:
    await _refused(webhooks, _of_another_type, lambda path: {(_pointer(path), "type")})


async def _refused(webhooks: Webhooks, mutate: Any, fault: Any) -> None:
    """Publish a mutation of each valid example: at its n-th place for the n-th, or the next that counts."""
    events: list[tuple[str, Any]] = []
    expected: list[set[Fault]] = []
    exact = 0
    for number, (event, payload) in enumerate(webhooks.examples):
        for type_ in webhooks.types_of(event, payload)[-1:]:
            if webhooks.faults_of(number, type_):
                continue
            places = list(_places(payload))
            start = number * 7 % len(places)
            for path in (*places[start:], *places[:start]):
                mutated = mutate(payload, path)
                found = webhooks.faults(type_, mutated)
                if found:
                    events.append((type_, mutated))
                    expected.append(found)
                    exact += found == fault(path)
                    break
    for (type_, payload), faults, answer in zip(
        events, expected, await webhooks.publish(events), strict=True
    ):
        assert answer.status == 422
        assert faults_in(answer) == faults, (type_, payload)
    assert len(events) > 200
    assert exact > len(events) / 2, "most are told at the very place"


def _places(value: Any, path: Path = ()) -> Iterator[Path]:
    """All members of all objects, the outer ones first."""
    match value:
        case dict():
            yield from ((*path, name) for name in value)
            for name, one in value.items():
                yield from _places(one, (*path, name))
        case list():
            for index, one in enumerate(value):
                yield from _places(one, (*path, index))


def _without(payload: Any, path: Path) -> Any:
    changed = deepcopy(payload)
    del _at(changed, path[:-1])[path[-1]]
    return changed


def _of_another_type(payload: Any, path: Path) -> Any:
    changed = deepcopy(payload)
    holder = _at(changed, path[:-1])
    match holder[path[-1]]:
        case str():
            holder[path[-1]] = 17
        case list():
            holder[path[-1]] = {}
        case None:
            holder[path[-1]] = []
        case _:
            holder[path[-1]] = "17"
    return changed


def _at(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value
