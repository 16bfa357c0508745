"""Several requests to the registry as one write: all of them, or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from chappe.domain.errors import Malformed
from chappe.registry.entity import Tree
from chappe.registry.errors import RegistryError
from chappe.registry.flags import Flags
from chappe.registry.request import Change, Rules, Write, Written
from chappe.registry.target import Target
from chappe.registry.write import write


@dataclass(frozen=True, slots=True)
class OneOfSeveral:
    """One of the requests; `body` is parsed JSON."""

    method: Literal["PATCH", "DELETE"]
    target: Target
    body: dict[str, Any]


def write_several(tree: Tree, requests: Sequence[OneOfSeveral], now: str, rules: Rules) -> Written:
    """The requests one after the other; each sees what those before it made.

    Raises:
        Malformed: a rule of the registry is broken.
    """
    changes: dict[tuple[str, ...], Change] = {}
    after = tree
    for one in requests:
        request = Write(one.method, one.target, one.body, Flags(), now, one.target.xid)
        try:
            written = write(after, request, rules)
        except RegistryError as error:
            raise Malformed(error.message) from error
        after = written.tree
        for change in written.changes:
            first = changes.get(change.path, change)
            changes[change.path] = Change(change.path, first.before, change.after)
    return Written(after, tuple(changes.values()), None)
