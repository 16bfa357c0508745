"""What is told to the channel `audit`: who did what, from where, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from chappe.domain.access import How

Action: TypeAlias = Literal["write", "refused", "login", "logout", "tokens"]
"""write: a request that changes something; refused: one that its caller may not make; tokens: the
tokens file of a node changed."""

Outcome: TypeAlias = Literal["done", "refused", "failed"]


@dataclass(frozen=True, slots=True)
class Audited:
    """One thing that somebody did, or tried to do; no secret stands in any of it.

    `path` is a request's, percent-encoded and without its query. `address` is the peer's;
    `forwarded_for` what a proxy says of who is behind it, which anybody can claim. `correlation` is
    that of the registry's events of change which the request brought about.
    """

    action: Action
    outcome: Outcome
    name: str
    how: How | None
    method: str = ""
    path: str = ""
    status: int = 0
    code: str | None = None
    right: str | None = None
    group: str | None = None
    address: str = ""
    forwarded_for: str | None = None
    correlation: str = ""
    added: Sequence[str] = ()
    removed: Sequence[str] = ()
