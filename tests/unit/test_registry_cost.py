"""What a small request may cost: inputs that once took seconds, or could, are answered at once.

The bound is of the processor's time, so that other programs do not matter; those that took too long
took ten times as much, and more.
"""

from __future__ import annotations

import base64
import json
import time
from dataclasses import replace
from typing import Any

import pytest

from chappe.http.exchange import Header, Response
from chappe.http.registry.answers import answer_read, answer_write
from chappe.http.registry.asked import READS, Asked
from chappe.http.registry.compression import accepts_gzip
from chappe.http.registry.header_values import decode_value
from chappe.registry.entity import Tree
from chappe.registry.errors import RegistryError
from chappe.registry.lineage import expendable
from chappe.registry.values import MAX_ZEROS
from tests.fuzz.registry import BASE, BEGAN, EDGE, RULES, begun
from tests.speed import slowness

WITHIN_S = 2.0
HEADER = 60_000  # bytes, of the 64 KiB that a request's headers may have
BODY = 64_000
BEGUN = begun()
NOW = "2026-02-01T00:00:00Z"


def asked(
    tree: Tree,
    method: str,
    path: bytes,
    query: bytes = b"",
    body: bytes = b"",
    headers: tuple[Header, ...] = (),
) -> tuple[Response, Tree]:
    """The answer, the registry after it; fails when it takes too long."""
    request = Asked(method, path, query, headers, body, BASE)
    began_s = time.thread_time()
    after = tree
    if method in READS:
        response = answer_read(tree, request, EDGE)
    else:
        written, response = answer_write(tree, request, EDGE, now=NOW, rules=RULES, admin=True)
        after = tree if written is None else written.tree
    assert time.thread_time() - began_s < WITHIN_S * slowness()
    return response, after


def entries(count: int, entry: str = "{}") -> bytes:
    """{"g0": entry, "g1": entry, …}; `%d` in the entry is its number."""
    one = [f'"g{index}":{entry.replace("%d", str(index))}' for index in range(count)]
    return ("{" + ",".join(one) + "}").encode()


# Headers


@pytest.mark.parametrize(
    "value",
    [b"gzip" + b" " * HEADER + b"x", b"gzip;" + b" " * HEADER + b"x", b"a," * (HEADER // 2),
     b"gzip;q=" + b"1" * HEADER],
    ids=["spaces", "more spaces", "commas", "digits"],
)  # fmt: skip
def test_a_long_accept_encoding_is_read_at_once(value: bytes) -> None:
    response, _ = asked(BEGUN, "GET", b"/", headers=((b"accept-encoding", value),))

    assert response.status == 200


@pytest.mark.parametrize(
    ("value", "accepts"),
    [
        (b"gzip", True), (b" GZIP ; Q = 0.5 ", True), (b"gzip;q=0", False), (b"*", True),
        (b"br, gzip;q=0.1", True), (b"gzip;q=0, *", False), (b"gzip;q=x", False), (b"", False),
        (b"gzip;q=1.1.1", False), (b"gzip ;level=9", False), (None, False),
    ],
)  # fmt: skip
def test_rfc9110_12_5_3_gzip_is_accepted_with_a_weight_above_0(
    value: bytes | None, accepts: bool
) -> None:
    assert accepts_gzip(value) is accepts


@pytest.mark.parametrize(
    "value", [b'"' + b'\\"' * (HEADER // 2), b'"a\\' * (HEADER // 3), b'"' * (HEADER + 1)]
)
def test_a_quote_that_is_not_closed_is_seen_at_once(value: bytes) -> None:
    headers = ((b"xregistry-x", value),)

    response, _ = asked(BEGUN, "PUT", b"/dirs/d1/files/f1", headers=headers)

    assert response.status == 400


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b'a "b\\"c" d', 'a b"c d'), (b'""', ""), (b'"a""b"', "ab"), (b'x\\"y"', "x\\y"),
        (b'"%20"', " "), (b'"a\\\\"', "a\\"), (b'"a\\"', None), (b'a"', None),
    ],
)  # fmt: skip
def test_core_http_header_values_are_unquoted(raw: bytes, text: str | None) -> None:
    if text is None:
        with pytest.raises(RegistryError, match="close its double quote"):
            decode_value("x", raw, subject="/")
    else:
        assert decode_value("x", raw, subject="/") == text


# Queries

FLAGS = ("filter=", "sort=", "inline=")
PATTERNS = {
    "dots": "a." * 8000, "brackets": "[" * 16_000, "quotes": "['" * 8000, "names": "['a']" * 3200,
    "stars": "*" * 16_000, "conditions": "a=*," * 4000, "commas": "," * 16_000,
    "encoded": "%41" * 5300, "wildcards": "name=" + "*a" * 16, "escaped": "name=" + "\\*" * 7000,
}  # fmt: skip


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("flag", FLAGS)
def test_a_query_of_16_kib_is_read_at_once(flag: str, pattern: str) -> None:
    response, _ = asked(BEGUN, "GET", b"/dirs", (flag + PATTERNS[pattern]).encode()[:16_000])

    assert response.status in (200, 400)


@pytest.mark.parametrize(
    "cursor", [b"[" * 10_000, b'[1,1,"a",0,2,"1e999999999"]', b"[" + b"9" * 10_000 + b',1,"a",0]']
)
def test_a_cursor_that_is_none_is_seen_at_once(cursor: bytes) -> None:
    query = b"sort=ratio&limit=1&cursor=" + base64.urlsafe_b64encode(cursor)

    assert asked(BEGUN, "GET", b"/dirs", query)[0].status in (200, 400)


# Filters over many entities


@pytest.fixture(scope="module")
def many() -> Tree:
    """10,000 files, each with an attribute that goes deep."""
    deep = {"a": {"b": {"c": [1, 2, 3, {"d": 1}] * 5}}}
    body = {f"g{number}": {"name": "x" * 1000, "x": deep} for number in range(10_000)}
    path = b"/dirs/d1/files"
    request = Asked("POST", path, b"", (), json.dumps(body).encode(), BASE)
    written, response = answer_write(BEGUN, request, EDGE, now=BEGAN, rules=RULES)
    assert written is not None, response
    return written.tree


@pytest.mark.parametrize(
    "query",
    [
        "&".join(f"filter=x.*.*.*[*].*={number}9" for number in range(100)),
        "&".join(f"filter=*=zz{number}" for number in range(100)),
        "&".join(f"filter=name={'*x' * 15}*y{number}" for number in range(100)),
        "&".join(f"filter=x.a.b.c[*]={number}99" for number in range(99)),
    ],
    ids=["deep wildcards", "any attribute", "wildcards in values", "items"],
)
def test_filters_that_would_take_long_are_refused(many: Tree, query: str) -> None:
    response, _ = asked(many, "GET", b"/dirs/d1/files", query.encode())

    assert response.status == 400
    assert b"comparisons" in response.body


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("filter=x.*.*.*[*].*=1", 10_000), ("filter=name=*x*y", 0), ("filter=*=zz", 0),
        ("&".join(f"filter=name=y{number}" for number in range(45)), 0),
    ],
    ids=["deep wildcards", "wildcards in values", "any attribute", "45 filters"],
)  # fmt: skip
def test_filters_that_people_write_work_over_10_000_entities(
    many: Tree, query: str, count: int
) -> None:
    asked_for = f"{query}&limit=1".encode()
    tree = replace(many, capabilities={**many.capabilities, "pagination": True})

    response, _ = asked(tree, "GET", b"/dirs/d1/files", asked_for)

    assert response.status == 200
    assert bool(json.loads(response.body)) is bool(count)


# Bodies


@pytest.mark.parametrize(
    "body",
    [
        b"[" * BODY, b"[" * (BODY // 2) + b"]" * (BODY // 2), b'{"a":' * (BODY // 5),
        b'{"size":' + b"9" * BODY + b"}", b'{"list":[' + b",".join([b"1e4000"] * 8000) + b"]}",
        b'{"box":{"z":[' + b",".join([b"1e6144"] * 8000) + b"]}}",
        b'{"name":"' + b"\\ud800" * 10_000 + b'"}', b'{"template":"' + b"{a" * 30_000 + b'"}',
        b'{"template":"{' + b"a." * 30_000 + b'"}', b'{"template":"{' + b"%41" * 20_000 + b'"}',
        b'{"at":"2026-01-01T00:00:00.' + b"1" * BODY + b'Z"}', b'{"see":"' + b"/a" * 30_000 + b'"}',
    ],
    ids=["arrays", "closed arrays", "objects", "digits", "exponents", "exponents in any", "surrogates",
         "templates", "variables", "encoded variables", "timestamp", "xid"],
)  # fmt: skip
def test_a_body_of_64_kib_is_read_at_once(body: bytes) -> None:
    assert asked(BEGUN, "PATCH", b"/dirs/d1", body=body)[0].status in (200, 400)


def test_an_integer_with_an_exponent_is_one_while_it_is_not_endless() -> None:
    def of(text: str) -> Any:
        body = b'{"size":%b}' % text.encode()
        response, _ = asked(BEGUN, "PATCH", b"/dirs/d1", body=body)
        return json.loads(response.body).get("size") if response.status == 200 else None

    assert (of("1e3"), of("1.5e1"), of("100e-2")) == (1000, 15, 1)
    assert of(f"1e{MAX_ZEROS}") == 10**MAX_ZEROS
    assert of(f"1e{MAX_ZEROS + 1}") is None
    assert of("9" * 900 + ".0") == int("9" * 900)


# Versions


@pytest.mark.parametrize(
    ("path", "entry", "left"),
    [
        (b"/dirs/d1/notes/q/versions", "{}", 3),
        (b"/dirs/d1/notes/q/versions", '{"createdat":"20%d"}', None),
        (b"/dirs/d1/files/q/versions", "{}", 1500),
        (b"/dirs/d1/files/q/versions", '{"ancestorid":"g%d"}', 1500),
    ],
    ids=["maxversions", "no times", "manual", "roots"],
)
def test_1500_versions_in_a_request_are_made_at_once(
    path: bytes, entry: str, left: int | None
) -> None:
    response, after = asked(BEGUN, "POST", path, body=entries(1500, entry))

    resource = after.resource(path.decode().removesuffix("/versions"))
    assert (response.status == 200) is (left is not None)
    assert (None if resource is None else len(resource.versions)) == left


class Aged:
    """A version for lineage: its year, and the version it comes from."""

    def __init__(self, year: int, ancestorid: str) -> None:
        self.attributes = {"createdat": f"{year}-01-01T00:00:00Z", "ancestorid": ancestorid}


def test_core_model_maxversions_the_oldest_go_one_after_another() -> None:
    versions = {
        "a": Aged(2001, "a"), "b": Aged(2004, "a"), "c": Aged(2002, "b"), "d": Aged(2003, "d"),
    }  # fmt: skip

    assert expendable("manual", versions, 4) == ["a", "d", "b", "c"]
    assert expendable("manual", versions, 2, skipping="a") == ["d", "b"]
    assert expendable("createdat", versions, 3, skipping="c") == ["a", "d", "b"]
    assert expendable("createdat", {}, 1) == []


# Models


def nested(depth: int) -> dict[str, Any]:
    """`ifvalues` in the siblings of `ifvalues`."""
    if not depth:
        return {"type": "string"}
    siblings = {f"a{depth}": nested(depth - 1)}
    return {"type": "string", "ifvalues": {"x": {"siblingattributes": siblings}}}


def bomb() -> dict[str, Any]:
    """Each attribute includes the next one twice."""
    attributes: dict[str, Any] = {"a30": {"type": "string"}}
    for number in range(30):
        one = {"$include": f"#/attributes/a{number + 1}"}
        attributes[f"a{number}"] = {"type": "object", "attributes": {"b": one, "c": one}}
    return {"attributes": attributes}


@pytest.mark.parametrize(
    "source",
    [
        bomb(),
        {"attributes": {"r": nested(30)}},
        {"attributes": {"r": nested(45)}},
        {"attributes": {"r": {"type": "string", "enum": [f"v{n}" for n in range(5000)]}}},
        {"groups": {f"g{n}s": {"singular": f"g{n}"} for n in range(500)}},
    ],
    ids=["includes", "ifvalues", "deep ifvalues", "enum", "types"],
)
def test_a_small_model_is_compiled_at_once(source: Any) -> None:
    response, _ = asked(BEGUN, "PUT", b"/modelsource", body=json.dumps(source).encode())

    assert response.status in (200, 400)
