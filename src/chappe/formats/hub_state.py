"""The hub's state from what lies in the registry's log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from chappe.domain.errors import Malformed, Unavailable
from chappe.formats.hub_entities import project, project_all
from chappe.formats.sealed import Cipher
from chappe.formats.transaction_json import decode_transaction, decode_tree
from chappe.registry.journal import applied
from chappe.registry.state import State
from chappe.registry.xref import remember_sources


def state_of_snapshot(data: bytes, *, shards: int, open: Cipher) -> State:
    """The state that a snapshot holds.

    Raises:
        Unavailable: it cannot be read.
        WrongKey: a stored secret does not open with this node's key.
    """
    tree, revision = decode_tree(data)
    with _readable(revision):
        return project_all(tree, revision, shards=shards, open=open)


def advanced(state: State, transaction: bytes, revision: int, *, open: Cipher) -> State:
    """The state after one more transaction of the log; raises as `state_of_snapshot` does."""
    found = decode_transaction(transaction, state.tree)
    changes = list(found.changes)
    tree = applied(state.tree, changes, next_uid=found.next_uid)
    remember_sources(state.tree, tree, changes)
    with _readable(revision):
        return project(state, tree, changes, revision, open=open)


@contextmanager
def _readable(revision: int) -> Iterator[None]:
    try:
        yield
    except Malformed as exc:
        raise Unavailable(
            f"registry: revision {revision} has an entity that this release cannot read: {exc}"
        ) from exc
