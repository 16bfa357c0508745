"""How a flow writes to the registry: it hands a decision to whoever commits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from chappe.registry.entity import Tree
from chappe.registry.request import Rules, Written

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Decide(Protocol[T_co]):
    """What a write does: a pure decision upon a tree."""

    def __call__(self, tree: Tree, now: str, rules: Rules) -> tuple[Written, T_co]:
        """What comes of it, and what to answer; raises what the caller is to get."""
        ...


@dataclass(frozen=True, slots=True)
class Committed(Generic[T_co]):
    """What a write answered; `correlation` names its events of change, "" where nothing changed."""

    answer: T_co
    revision: int
    correlation: str = ""


class Writing(Protocol):
    """flows.register.Register."""

    async def write(self, decide: Decide[T], *, by: str = "", heavy: bool = False) -> Committed[T]:
        """Decide upon the newest tree, in a thread where that is `heavy`, and commit."""
        ...
