"""A client of the registry in process: requests in, responses out, the tree kept in between."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from chappe.http.exchange import Response, find_header
from chappe.http.registry.answers import answer_read, answer_write
from chappe.http.registry.asked import READS, Asked, Edge
from chappe.registry.capabilities import initial
from chappe.registry.entity import Tree
from chappe.registry.request import Written
from chappe.registry.write import empty_tree
from tests.spec.xregistry_replay import RULES

BASE = "https://hub.example/registry"
NOW = "2026-03-01T12:00:{:02}Z"
MODEL = {
    "groups": {
        "dirs": {
            "singular": "dir",
            "resources": {
                "files": {
                    "singular": "file",
                    "attributes": {"*": {"type": "any"}},
                },
                "notes": {"singular": "note", "hasdocument": False},
            },
        }
    }
}


@dataclass(frozen=True)
class Answer:
    """A response, easy to look into; `written` is None for reads and refusals."""

    response: Response
    written: Written | None

    @property
    def status(self) -> int:
        return self.response.status

    @property
    def body(self) -> bytes:
        return self.response.body

    @property
    def json(self) -> Any:
        return json.loads(self.response.body)

    @property
    def kind(self) -> str:
        """The name of the error."""
        kind: str = self.json["type"].rpartition("#")[2]
        return kind

    def header(self, name: str) -> str | None:
        value = find_header(self.response.headers, name.encode())
        return None if value is None else value.decode("ascii")

    def headers(self, name: str) -> list[str]:
        return [
            value.decode("ascii") for key, value in self.response.headers if key == name.encode()
        ]


@dataclass
class Client:
    """One registry; each request has its own second."""

    tree: Tree = field(
        default_factory=lambda: replace(empty_tree("r", NOW.format(0)), capabilities=initial())
    )
    edge: Edge = field(default_factory=Edge)
    count: int = 0

    def __call__(
        self,
        method: str,
        path: str,
        body: object = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        self.count += 1
        path, _, query = path.partition("?")
        asked = Asked(
            method,
            path.encode(),
            query.encode(),
            [(name.lower().encode(), one.encode()) for name, one in (headers or {}).items()],
            body if isinstance(body, bytes) else json.dumps(body).encode(),
            BASE,
        )
        if method in READS:
            return Answer(answer_read(self.tree, asked, self.edge), None)
        now = NOW.format(self.count)
        written, response = answer_write(self.tree, asked, self.edge, now=now, rules=RULES)
        if written is not None:
            self.tree = written.tree
        return Answer(response, written)


def client_with_model(**capabilities: object) -> Client:
    """A registry of dirs, of files and notes, with capabilities set."""
    client = Client()
    assert client("PUT", "/modelsource", MODEL).status == 200
    client.tree = replace(client.tree, capabilities={**client.tree.capabilities, **capabilities})
    return client
