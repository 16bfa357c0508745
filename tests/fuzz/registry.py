"""What the registry is fuzzed against: any request has a well-formed answer, soon, and no 5xx.

    Probe().ask(request)    one request, checked; a write that was taken in leaves a coherent registry

In process, at the edge's pure functions: http/registry/answers.
"""

from __future__ import annotations

import gzip
import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from chappe.formats.languages import json_alone
from chappe.formats.transaction_json import (
    decode_transaction,
    decode_tree,
    encode_transaction,
    encode_tree,
)
from chappe.http.exchange import Header, Response
from chappe.http.registry.answers import answer_read, answer_write
from chappe.http.registry.asked import READS, Asked, Edge
from chappe.registry.capabilities import initial
from chappe.registry.changes import events_of
from chappe.registry.entity import Resource, Tree
from chappe.registry.flags import Flags, Inline
from chappe.registry.journal import applied
from chappe.registry.request import Rules, Written
from chappe.registry.target import Level, Target
from chappe.registry.transaction import Transaction
from chappe.registry.views import render
from chappe.registry.write import empty_tree

BASE = "https://hub.example"
BEGAN = "2026-01-01T00:00:00Z"
RULES = Rules(json_alone())
EDGE = Edge(offer=RULES.offer)
WITHIN_S = 10.0
"""Of the processor, for a request of some kilobytes on a registry of some entities: a thousand times what one takes."""

MODEL: Mapping[str, Any] = {
    "attributes": {"*": {"type": "any"}},
    "groups": {
        "dirs": {
            "singular": "dir",
            "attributes": {
                "size": {"type": "uinteger"},
                "ratio": {"type": "decimal"},
                "at": {"type": "timestamp"},
                "link": {"type": "url"},
                "template": {"type": "uritemplate"},
                "see": {"type": "xid", "target": "/dirs/files"},
                "kind": {
                    "type": "string",
                    "enum": ["a", "b"],
                    "default": "a",
                    "required": True,
                    "ifvalues": {"b": {"siblingattributes": {"extra": {"type": "boolean"}}}},
                },
                "list": {"type": "array", "item": {"type": "integer"}},
                "map": {"type": "map", "item": {"type": "array", "item": {"type": "string"}}},
                "box": {
                    "type": "object",
                    "attributes": {"x": {"type": "integer"}, "*": {"type": "any"}},
                },
            },
            "constraints": {"files.name": {"default": "untitled"}},
            "resources": {
                "files": {
                    "singular": "file",
                    "attributes": {"*": {"type": "any"}},
                    "metaattributes": {"owner": {"type": "string"}},
                },
                "notes": {
                    "singular": "note",
                    "hasdocument": False,
                    "maxversions": 3,
                    "versionmode": "createdat",
                },
                "releases": {"singular": "release", "versionmode": "semver"},
                "forms": {
                    "singular": "form",
                    "validateformat": True,
                    "validatecompatibility": True,
                },
            },
        },
        "shelves": {"singular": "shelf", "ximportresources": ["/dirs/files"]},
    },
}


@dataclass(frozen=True)
class Sent:
    """One request as it arrives."""

    method: str
    path: bytes
    query: bytes = b""
    headers: Sequence[Header] = ()
    body: bytes = b""


def begun() -> Tree:
    """A small registry of everything: groups, versions, documents, a mirror."""
    tree = empty_tree("fuzzed", BEGAN, MODEL)
    offered = initial(RULES.offer)
    tree = replace(tree, capabilities={**offered, "pagination": True, "shortself": True})
    body = {
        "dirs": {
            "d1": {
                "labels": {"a": "1"},
                "files": {
                    "f1": {
                        "versions": {"v1": {"file": {"a": 1}}, "v2": {"filebase64": "AP8="}},
                        "meta": {"defaultversionid": "v2", "defaultversionsticky": True},
                    },
                    "f2": {"meta": {"xref": "/dirs/d1/files/f1"}},
                },
                "notes": {"n1": {"name": "x", "versions": {"1": {}, "2": {}}}},
                "releases": {"r1": {"versions": {"1.0.0": {}, "1.2.0-rc.1": {}}}},
                "forms": {"m1": {"format": "JsonSchema/draft-07", "form": {"type": "object"}}},
            }
        },
        "shelves": {"s1": {"files": {"f1": {"fileurl": "https://example.com/f"}}}},
    }
    probe = Probe(tree)
    probe.ask(Sent("POST", b"/", b"", (), json.dumps(body).encode()))
    assert probe.taken == 1, probe.last
    return probe.tree


@dataclass
class Probe:
    """A registry and its edge; `taken` counts the writes that changed it."""

    tree: Tree
    edge: Edge = EDGE
    rules: Rules = RULES
    count: int = 0
    taken: int = 0
    slowest_s: float = 0.0
    last: Response | None = None
    frozen: bytes = field(default=b"", repr=False)

    def ask(self, sent: Sent, *, within_s: float = WITHIN_S) -> Response:
        """Do one request, and check what came of it.

        Raises:
            AssertionError: something did.
            Exception: the edge let something through.
        """
        self.count += 1
        asked = Asked(sent.method, sent.path, sent.query, sent.headers, sent.body, BASE)
        before = self.frozen or frozen(self.tree)
        written: Written | None = None
        began_s = time.thread_time()
        if sent.method in READS:
            response = answer_read(self.tree, asked, self.edge, revision=self.count)
        else:
            now = f"2026-01-01T{self.count // 60 % 24:02}:{self.count % 60:02}:00Z"
            written, response = answer_write(
                self.tree, asked, self.edge, now=now, rules=self.rules, admin=True
            )
        took_s = time.thread_time() - began_s
        self.slowest_s = max(self.slowest_s, took_s)
        self.last = response
        assert took_s < within_s, f"{took_s:.1f} s"
        check_response(response, sent.method)
        assert frozen(self.tree) == before, "the registry before a request was changed by it"
        self.frozen = before
        if response.status >= 400:
            assert written is None, "a refusal came with a write"
        if written is not None and written.changes:
            check_written(self.tree, written)
            self.tree = written.tree
            self.taken += 1
            self.frozen = b""
        return response


def frozen(tree: Tree) -> bytes:
    """All that is stored."""
    return b"".join(encode_tree(tree, 0))


# A response


def check_response(response: Response, method: str) -> None:
    """It is a response that HTTP can carry, and no failure of ours."""
    status, body, headers = response
    assert 200 <= status < 500, (status, body)
    for name, value in headers:
        assert re.fullmatch(rb"[!#$%&'*+.^_`|~0-9a-z-]+", name), name
        assert re.fullmatch(rb"[\t -~\x80-\xff]*", value), (name, value)
    of = dict(headers)
    if of.get(b"content-encoding") == b"gzip":
        body = gzip.decompress(body)
    if status >= 400:
        error = json.loads(body)
        assert error["type"]
        assert error["title"]
        assert error["subject"].startswith("/"), error
        assert all(isinstance(one, str) for one in error.get("args", {}).values())
    elif body and of.get(b"content-type", b"").startswith(b"application/json; charset"):
        json.loads(body)
    if status == 204 or status == 304:
        assert not body
    if method == "OPTIONS" and status == 200:
        assert b"GET" in of[b"allow"]


# A write


def check_written(before: Tree, written: Written) -> None:
    """The registry after a write is coherent, can be shown, moved, stored and announced."""
    after = written.tree
    check_coherent(after)
    check_shown(after)
    check_stored(before, written)
    events_of(before, written)  # none of a change that nobody can see, as below a mirror


def check_coherent(tree: Tree) -> None:
    """What the specification promises of every registry."""
    uids: list[int] = []
    assert _is_epoch(tree.attributes["epoch"])
    for plural, groups in tree.groups.items():
        assert groups, f"{plural}: an empty collection is kept"
        _check_ids(groups)
        group_type = tree.model.groups[plural]
        for group in groups.values():
            assert _is_epoch(group.attributes["epoch"])
            uids.append(group.uid)
            for name, resources in group.resources.items():
                assert name in group_type.resources
                assert resources
                _check_ids(resources)
                for resource in resources.values():
                    uids.append(resource.uid)
                    uids += [version.uid for version in resource.versions.values()]
                    _check_resource(resource)
    assert len(uids) == len(set(uids)), "two entities have one uid"
    assert all(0 < uid < tree.next_uid for uid in uids)


def _check_resource(resource: Resource) -> None:
    assert _is_epoch(resource.meta["epoch"])
    if resource.xref is not None:
        assert not resource.versions
        return
    assert resource.default is not None, f"{resource.id}: no default version"
    _check_ids(resource.versions)
    for version in resource.versions.values():
        assert _is_epoch(version.attributes["epoch"])
        seen = {version.id}
        at = version
        while at.attributes["ancestorid"] != at.id:
            at = resource.versions[at.attributes["ancestorid"]]
            assert at.id not in seen, "ancestors go in a circle"
            seen.add(at.id)


def _is_epoch(value: object) -> bool:
    return type(value) is int and value > 0


def _check_ids(entities: Mapping[str, Any]) -> None:
    assert len({id.lower() for id in entities}) == len(entities)
    for id, entity in entities.items():
        assert entity.id == id
        assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._~:@-]{0,127}", id), id


def check_shown(tree: Tree) -> None:
    """Everything can be drawn, and what is exported makes the same registry again."""
    everything = Flags(inline=Inline(everything=True))
    json.loads(render(tree, Target(Level.REGISTRY), everything, BASE))
    exported = render(tree, Target(Level.EXPORT), Flags(), BASE)
    fresh = empty_tree("fuzzed", BEGAN, tree.model.source)
    fresh = replace(fresh, capabilities=initial(RULES.offer))
    asked = Asked("PUT", b"/", b"ignore=epoch,capabilities", (), exported, BASE)
    # `readonly` of a resource is an administrator's to set.
    written, response = answer_write(fresh, asked, EDGE, now=BEGAN, rules=RULES, admin=True)
    assert written is not None, (response.body, exported)
    made = replace(written.tree, capabilities=tree.capabilities)
    again = render(made, Target(Level.EXPORT), Flags(), BASE)
    assert _timeless(json.loads(again)) == _timeless(json.loads(exported))


_TIMES = ("epoch", "createdat", "modifiedat")


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _timeless(one) for key, one in value.items() if key not in _TIMES}
    if isinstance(value, list):
        return [_timeless(one) for one in value]
    return value


def check_stored(before: Tree, written: Written) -> None:
    """What lies in the log makes the same registry, on this node and on one that starts."""
    after = written.tree
    transaction = Transaction(written.changes, BEGAN, "fuzz", "c-1", BASE, after.next_uid)
    read = decode_transaction(encode_transaction(transaction), before)
    for made in (applied(before, written.changes, next_uid=after.next_uid),
                 applied(before, read.changes, next_uid=read.next_uid)):  # fmt: skip
        assert frozen(made) == frozen(after)
        assert list(_values(made)) == list(_values(after))
    loaded, _ = decode_tree(frozen(after))
    assert list(_values(loaded)) == list(_values(after))


def _values(tree: Tree) -> Iterator[Any]:
    """All stored values, with their types: 1 is not True, nor 1.0."""
    yield repr(_sorted(tree.attributes))
    for plural, groups in sorted(tree.groups.items()):
        for gid, group in sorted(groups.items()):
            yield plural, gid, repr(_sorted(group.attributes))
            for name, resources in sorted(group.resources.items()):
                for rid, resource in sorted(resources.items()):
                    yield name, rid, resource.uid, resource.last_id, repr(_sorted(resource.meta))
                    for vid, version in sorted(resource.versions.items()):
                        yield vid, version.uid, version.document, repr(_sorted(version.attributes))


def _sorted(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(one) for one in value] if isinstance(value, list) else value
