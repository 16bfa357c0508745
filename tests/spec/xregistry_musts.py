"""A sentence of the specification as requests to a registry in process, and what comes of them.

    said("`epoch` Attribute: a create operation ignores it", put("/dirs/d1", {"epoch": 7}), epoch=1)
    refused("`xid` Attribute: …", put("/dirs/d1", {"pointer": "d2"}), kind="invalid_attribute")

All requests but the last prepare the registry and must succeed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import pytest
from _pytest.mark.structures import ParameterSet

from chappe.http.registry.answers import answer_read, answer_write
from chappe.http.registry.asked import READS, Asked, Edge
from chappe.registry.capabilities import Offer, initial
from chappe.registry.entity import Tree
from chappe.registry.request import Rules
from chappe.registry.write import empty_tree
from tests.spec.xregistry_client import BASE, Answer
from tests.spec.xregistry_writing import Numbers

SCALARS = (
    "boolean", "decimal", "integer", "string", "timestamp", "uinteger", "uri", "uriabsolute",
    "urirelative", "uritemplate", "url", "urlabsolute", "urlrelative", "xid", "xidtype",
)  # fmt: skip

OFFER = Offer({"numbers": ["backward", "forward", "full"]})
RULES = Rules(Numbers(), offer=OFFER)

FILES: dict[str, Any] = {
    "singular": "file",
    "attributes": {
        "kind": {"type": "string"},
        "size": {"type": "integer"},
        "hint": {"type": "string", "enum": ["cold", "warm"], "strict": False},
        "tags": {"type": "array", "item": {"type": "string"}},
        "box": {"type": "object", "attributes": {"width": {"type": "integer"}}},
        "marks": {"type": "map", "item": {"type": "string"}},
    },
    "metaattributes": {"owner": {"type": "string"}},
}
NOTES: dict[str, Any] = {
    "singular": "note",
    "hasdocument": False,
    "attributes": {"kind": {"type": "string"}, "size": {"type": "integer"}},
}
DIRS: dict[str, Any] = {
    "singular": "dir",
    "attributes": {
        **{f"a_{type}": {"type": type} for type in (*SCALARS, "any")},
        "numbers": {"type": "array", "item": {"type": "integer"}},
        "marks": {"type": "map", "item": {"type": "string"}},
        "place": {
            "type": "object",
            "attributes": {"row": {"type": "integer"}, "shelf": {"type": "string"}},
        },
        "sealed": {"type": "integer", "readonly": True},
        "colour": {"type": "string", "required": True, "default": "grey"},
    },
    "resources": {"files": FILES, "notes": NOTES},
}
MODEL: dict[str, Any] = {
    "attributes": {"owner": {"type": "string"}, "slogan": {"type": "string"}},
    "groups": {"dirs": DIRS},
}


def model_of(files: Mapping[str, Any] | None = None, **dirs: Any) -> dict[str, Any]:
    """A model of `dirs`; `files` are aspects of its one type of resource, `dirs` of the group type."""
    resource = {"singular": "file", "hasdocument": False, **(files or {})}
    return {"groups": {"dirs": {"singular": "dir", "resources": {"files": resource}, **dirs}}}


@dataclass(frozen=True)
class Request:
    """One request; a body that is no bytes is sent as JSON."""

    method: str
    path: str
    body: object = b""
    headers: Mapping[str, str] = field(default_factory=dict)


def get(path: str) -> Request:
    return Request("GET", path)


def put(path: str, body: object = b"{}", **headers: str) -> Request:
    return Request("PUT", path, body, _headers(headers))


def patch(path: str, body: object = b"{}", **headers: str) -> Request:
    return Request("PATCH", path, body, _headers(headers))


def post(path: str, body: object = b"{}", **headers: str) -> Request:
    return Request("POST", path, body, _headers(headers))


def delete(path: str, body: object = b"") -> Request:
    return Request("DELETE", path, body)


def _headers(named: Mapping[str, str]) -> dict[str, str]:
    """xRegistry_name="x" -> {"xRegistry-name": "x"}."""
    return {name.replace("_", "-"): value for name, value in named.items()}


@cache
def _empty(model: str) -> Tree:
    """A registry of a model; nobody changes a tree, so one for each model is enough."""
    return empty_tree("r", "2030-01-01T00:00:00Z", json.loads(model))


class Registry:
    """The registry `r`; request number n is at 2030-01-01T00:00:00Z and n seconds."""

    def __init__(
        self, model: Mapping[str, Any] = MODEL, *, offer: Offer = OFFER, **capabilities: Any
    ) -> None:
        self.count = 0
        self.edge = Edge(offer=offer, find=self._find)
        self.rules = replace(RULES, offer=offer)
        self.tree = replace(
            _empty(json.dumps(model)), capabilities={**initial(offer), **capabilities}
        )

    @property
    def now(self) -> str:
        """The time of the latest request."""
        minutes, seconds = divmod(self.count, 60)
        return f"2030-01-01T00:{minutes:02}:{seconds:02}Z"

    def answer(self, request: Request, *, admin: bool = False) -> Answer:
        """What the registry answers, which may be a refusal; `admin` may edit `readonly`."""
        path, _, query = request.path.partition("?")
        body = request.body
        asked = Asked(
            request.method,
            path.encode(),
            query.encode(),
            [(name.lower().encode(), one.encode()) for name, one in request.headers.items()],
            body if isinstance(body, bytes) else json.dumps(body).encode(),
            BASE,
        )
        if request.method in READS:
            return Answer(answer_read(self.tree, asked, self.edge), None)
        self.count += 1
        written, response = answer_write(
            self.tree, asked, self.edge, now=self.now, rules=self.rules, admin=admin
        )
        if written is not None:
            self.tree = written.tree
        return Answer(response, written)

    def done(self, *requests: Request) -> Answer:
        """The answer to the last of the requests, none of which may be refused."""
        answers = [self.answer(request) for request in requests]
        for request, answer in zip(requests, answers, strict=True):
            assert answer.status < 400, f"{request.method} {request.path}: {answer.body.decode()}"
        return answers[-1]

    def get(self, path: str) -> Any:
        """The JSON at a path."""
        return self.done(get(path)).json

    def put(self, path: str, body: object = b"{}", **headers: str) -> Answer:
        return self.done(put(path, body, **headers))

    def patch(self, path: str, body: object = b"{}", **headers: str) -> Answer:
        return self.done(patch(path, body, **headers))

    def post(self, path: str, body: object = b"{}", **headers: str) -> Answer:
        return self.done(post(path, body, **headers))

    def delete(self, path: str, body: object = b"") -> Answer:
        return self.done(delete(path, body))

    def refusal(self, request: Request) -> Answer:
        """The answer to a request that must be refused and must change nothing."""
        before = self.tree
        answer = self.answer(request)
        assert answer.status >= 400, f"{request.method} {request.path}: {answer.body.decode()}"
        assert answer.written is None
        assert self.tree is before
        return answer

    def _find(self, uid: int) -> str | None:
        """The xid of the entity with a uid, as a hub finds it for a `shortself`."""
        for plural, groups in self.tree.groups.items():
            for gid, group in groups.items():
                if group.uid == uid:
                    return f"/{plural}/{gid}"
                for type, resources in group.resources.items():
                    for rid, resource in resources.items():
                        xid = f"/{plural}/{gid}/{type}/{rid}"
                        if resource.uid == uid:
                            return xid
                        for vid, version in resource.versions.items():
                            if version.uid == uid:
                                return f"{xid}/versions/{vid}"
        return None


ABSENT = object()
"""Stands for what must not be there."""


def holds(shown: Any, expected: Mapping[str, Any]) -> None:
    """Assert that the JSON has these values, by path: {"meta/epoch": 1, "dirs": ABSENT}."""
    for path, wanted in expected.items():
        value, found = shown, True
        for part in path.split("/"):
            found = isinstance(value, dict) and part in value
            if not found:
                break
            value = value[part]
        if wanted is ABSENT:
            assert not found, f"{path} is there: {value!r}"
        else:
            assert found, f"{path} is not there: {json.dumps(shown)}"
            assert value == wanted, f"{path} is {value!r}, expected {wanted!r}"
            assert isinstance(value, bool) == isinstance(wanted, bool)


def said(id: str, *requests: Request, **expected: Any) -> ParameterSet:
    """A case: after the requests, the last answer `holds` what is expected.

    `__` in a name stands for "/": meta__epoch=2.
    """
    return pytest.param(
        requests, {name.replace("__", "/"): one for name, one in expected.items()}, id=id
    )


def refused(id: str, *requests: Request, kind: str, subject: str | None = None) -> ParameterSet:
    """A case: the last of the requests is refused with an error of a kind."""
    return pytest.param(requests, kind, subject, id=id)


def check_said(registry: Registry, requests: Sequence[Request], expected: dict[str, Any]) -> None:
    """Assert what `said` says."""
    holds(registry.done(*requests).json, expected)


def check_refused(
    registry: Registry, requests: Sequence[Request], kind: str, subject: str | None
) -> None:
    """Assert what `refused` says."""
    for request in requests[:-1]:
        registry.done(request)
    answer = registry.refusal(requests[-1])
    assert answer.kind == kind, answer.body.decode()
    if subject is not None:
        assert answer.json["subject"] == subject
