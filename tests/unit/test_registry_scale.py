"""What a request costs does not grow with the registry: counted in calls, so that no clock decides."""

from __future__ import annotations

import gc
import json
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from chappe.formats.hub_entities import project, project_all
from chappe.formats.languages import json_alone
from chappe.formats.transaction_json import decode_tree, encode_transaction, encode_tree
from chappe.http.registry.answers import answer_read, answer_write
from chappe.http.registry.asked import Asked, Edge
from chappe.registry.changes import events_of
from chappe.registry.entity import Tree, Version
from chappe.registry.hub_model import hub_model
from chappe.registry.journal import images
from chappe.registry.request import Rules
from chappe.registry.state import State
from chappe.registry.transaction import Transaction
from chappe.registry.write import empty_tree

NOW = "2025-01-01T00:00:00.000000Z"
EDGE = Edge(body_bytes=100_000_000)
RULES = Rules(json_alone())
DOCUMENT = {"type": "object", "description": "x" * 900}
S = "/schemagroups/g0/schemas/s0"

Answer = Callable[[Tree], Tree]


def request(method: str, path: str, body: object = None) -> Answer:
    """A request as the hub's HTTP edge does it, down to the bytes of its transaction."""
    raw, _, query = path.partition("?")
    sent = b"" if body is None else json.dumps(body).encode()
    asked = Asked(method, raw.encode(), query.encode(), (), sent, "http://hub")

    def done(tree: Tree) -> Tree:
        if method == "GET":
            response = answer_read(tree, asked, EDGE)
            assert response.status == 200, response.body
            return tree
        written, response = answer_write(tree, asked, EDGE, now=NOW, rules=RULES)
        assert response.status < 300, response.body
        assert written is not None
        after, changes = written.tree, written.changes
        told = events_of(tree, written)
        project(State(tree=tree), after, changes, 1, open=_closed)
        encode_transaction(Transaction(changes, NOW, "", "c", "/", after.next_uid, told))
        return after

    return done


def _closed(text: str, *, context: str) -> str:
    raise AssertionError(f"{context}: there is no secret")


def schema(name: str) -> dict[str, Any]:
    return {"name": name, "format": "JsonSchema/draft-07", "schema": DOCUMENT}


def registry(groups: int, schemas: int, versions: int) -> Tree:
    tree = empty_tree("scale", NOW, hub_model())
    for group in range(groups):
        body = {
            f"s{number}": {
                "versions": {f"v{one}": schema(f"{number}.{one}") for one in range(versions)}
            }
            for number in range(schemas)
        }
        tree = request("POST", f"/schemagroups/g{group}/schemas", body)(tree)
    return tree


@dataclass
class Calls:
    count: int = 0


@contextmanager
def counted() -> Iterator[Calls]:
    """How many functions are called, Python's own included."""
    calls = Calls()

    def see(frame: object, event: str, argument: object) -> None:
        calls.count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(see)
    try:
        yield calls
    finally:
        sys.setprofile(before)


@pytest.fixture(scope="module")
def small() -> Tree:
    return registry(2, 4, 2)


@pytest.fixture(scope="module")
def large() -> Tree:
    return registry(30, 100, 2)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/", None),
        ("GET", "/schemagroups/g0", None),
        ("GET", S, None),
        ("GET", f"{S}$details", None),
        ("GET", f"{S}/versions/v0$details", None),
        ("GET", f"{S}/meta", None),
        ("PUT", f"{S}$details", schema("another")),
        ("PATCH", f"{S}$details", {"name": "another"}),
        ("PATCH", f"{S}/meta", {"deprecated": {}}),
        ("POST", f"{S}$details", schema("another")),
        ("DELETE", f"{S}/versions/v1", None),
        ("PUT", "/schemagroups/g0/schemas/made$details", schema("made")),
        ("DELETE", S, None),
        ("PUT", "/schemagroups/made", {"name": "made"}),
        ("POST", "/schemagroups", {"made": {"schemas": {"made": schema("made")}}}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_request_for_one_entity_costs_the_same_in_a_registry_hundreds_of_times_as_large(
    small: Tree, large: Tree, method: str, path: str, body: object
) -> None:
    one = request(method, path, body)
    costs = []
    for tree in (small, large):
        # What is kept of the entities beside is made once, not for each request.
        warm = request("PUT", "/schemagroups/g0/schemas/warm$details", schema("warm"))(tree)
        warm = request("PUT", "/schemagroups/warm", {"name": "warm"})(warm)
        one(warm)
        with counted() as calls:
            one(warm)
        costs.append(calls.count)
    # A request that is repeated upon one tree folds the ids of one collection again, at most.
    assert costs[1] <= costs[0] + 250


def test_an_import_costs_as_much_for_each_schema_however_many_come_with_it(small: Tree) -> None:
    costs = []
    for number in (10, 400):
        body = {f"s{one}": schema(f"s{one}") for one in range(number)}
        with counted() as calls:
            request("POST", "/schemagroups/imported/schemas", body)(small)
        costs.append(calls.count / number)
    assert costs[1] <= costs[0]


def test_a_snapshot_gives_the_registry_that_it_was_made_of(large: Tree) -> None:
    data = b"".join(encode_tree(large, 41))
    tree, revision = decode_tree(data)
    assert revision == 41
    assert b"".join(encode_tree(tree, 41)) == data
    loaded = project_all(tree, 41, shards=1, open=_closed)
    assert loaded.tree is tree


def test_a_registry_that_is_loaded_keeps_two_kilobytes_a_version_beside_its_document(
    large: Tree,
) -> None:
    data = b"".join(encode_tree(large, 1))
    versions = [one.after for one in images(large) if isinstance(one.after, Version)]
    documents = sum(len(one.document or b"") for one in versions)
    decode_tree(data)
    gc.collect()
    tracemalloc.start()
    try:
        tree, _ = decode_tree(data)
        gc.collect()
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert tree.of("schemagroups")
    assert (kept - documents) / len(versions) < 2_048


def test_a_registry_that_is_loaded_keeps_each_time_and_format_once(large: Tree) -> None:
    tree, _ = decode_tree(b"".join(encode_tree(large, 1)))
    one, other = (
        tree.of("schemagroups")[group].of("schemas")["s7"].versions["v1"].attributes
        for group in ("g0", "g29")
    )
    for name in ("format", "createdat", "modifiedat", "ancestorid"):
        assert one[name] is other[name]


def test_a_write_keeps_texts_that_many_versions_have_once() -> None:
    tree = registry(1, 2, 2)
    one, other = (
        tree.of("schemagroups")["g0"].of("schemas")[id].versions["v0"].attributes
        for id in ("s0", "s1")
    )
    for name in ("format", "createdat", "modifiedat", "ancestorid"):
        assert one[name] is other[name]


def test_what_a_write_needed_is_free_without_a_search_for_circles(small: Tree) -> None:
    one = request("POST", "/schemagroups/g0/schemas", {"made": schema("made")})
    one(small)
    gc.collect()
    gc.disable()
    try:
        one(small)
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_a_long_answer_is_there_once(large: Tree) -> None:
    asked = Asked("GET", b"/export", b"", (), b"", "http://hub")
    answer_read(large, asked, EDGE)
    gc.collect()
    tracemalloc.start()
    try:
        size = len(answer_read(large, asked, EDGE).body)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size > 4_000_000
    assert peak < 1.5 * size + 4_000_000
