"""A registry to write to without a server: requests as values, one second apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import pytest

from chappe.registry.capabilities import Offer, initial
from chappe.registry.entity import Attributes, Group, Resource, Tree, Version
from chappe.registry.errors import RegistryError
from chappe.registry.flags import Flags
from chappe.registry.paths import parse_path
from chappe.registry.request import ABSENT, Rules, Write, Written
from chappe.registry.write import empty_tree, write

Method = Literal["PUT", "PATCH", "POST", "DELETE"]

NUMBERS = Offer({"numbers": ["backward", "backward_transitive", "forward", "full"]})


class Numbers:
    """A format for tests: a document is whole numbers with blanks between.

    Data of an older document can be read with a newer one that has all its numbers.
    """

    def known(self, format: str) -> bool:
        return format.lower() == "numbers"

    def fault(self, format: str, document: bytes) -> str | None:
        wrong = [part for part in document.split() if not part.isdigit()]
        return f"{wrong[0]!r} is no number" if wrong else None

    def compatibilities(self, format: str) -> frozenset[str]:
        return frozenset(NUMBERS.compatibilities["numbers"] if self.known(format) else [])

    def incompatibility(self, format: str, older: bytes, newer: bytes) -> str | None:
        lost = set(older.split()) - set(newer.split())
        return f"lost {sorted(lost)}" if lost else None


RULES = Rules(Numbers(), offer=NUMBERS)


class Registry:
    """The registry `r`; request number n is at 2030-01-01T00:00:00Z and n seconds."""

    def __init__(self, source: Mapping[str, Any], *, rules: Rules = RULES) -> None:
        self.count = 0
        self.rules = rules
        self.tree: Tree = empty_tree("r", self.now, source, capabilities=initial(NUMBERS))

    @property
    def now(self) -> str:
        """The time of the latest request."""
        minutes, seconds = divmod(self.count, 60)
        return f"2030-01-01T{minutes // 60:02}:{minutes % 60:02}:{seconds:02}Z"

    def do(
        self, method: Method, path: str, body: Any = ABSENT, *, admin: bool = False, **flags: Any
    ) -> Written:
        self.count += 1
        target = parse_path(path.encode(), self.tree.model)
        request = Write(method, target, body, Flags(**flags), self.now, path, admin=admin)
        written = write(self.tree, request, self.rules)
        self.tree = written.tree
        return written

    def put(self, path: str, body: Any = None, **flags: Any) -> Written:
        return self.do("PUT", path, {} if body is None else body, **flags)

    def patch(self, path: str, body: Any, **flags: Any) -> Written:
        return self.do("PATCH", path, body, **flags)

    def post(self, path: str, body: Any, **flags: Any) -> Written:
        return self.do("POST", path, body, **flags)

    def delete(self, path: str, body: Any = ABSENT, **flags: Any) -> Written:
        return self.do("DELETE", path, body, **flags)

    def refusal(self, method: Method, path: str, body: Any = ABSENT, **flags: Any) -> RegistryError:
        """The error of a request, which must leave the registry as it was."""
        before = self.tree
        with pytest.raises(RegistryError) as caught:
            self.do(method, path, body, **flags)
        assert self.tree is before
        return caught.value

    def group(self, xid: str) -> Group:
        _, plural, gid = xid.split("/")
        return self.tree.of(plural)[gid]

    def resource(self, xid: str) -> Resource:
        found = self.tree.resource(xid)
        assert found is not None, f"{xid} is not there"
        return found

    def meta(self, xid: str) -> Attributes:
        return self.resource(xid).meta

    def version(self, xid: str) -> Version:
        parent, _, vid = xid.partition("/versions/")
        return self.resource(parent).versions[vid]

    def default(self, xid: str) -> Version:
        found = self.resource(xid).default
        assert found is not None
        return found


def files(**aspects: Any) -> dict[str, Any]:
    """A model with resources `files` in groups `dirs`; `aspects` are those of `files`."""
    resources = {"files": {"singular": "file", "hasdocument": False, **aspects}}
    return {"groups": {"dirs": {"singular": "dir", "resources": resources}}}
