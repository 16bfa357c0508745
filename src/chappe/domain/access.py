"""Who may do what: four rights, and the principals that hold them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

from chappe.domain.channel import OWN
from chappe.domain.errors import Forbidden, Malformed

Right: TypeAlias = Literal["publish", "read", "subscribe", "admin"]
"""publish: send events in; read: see everything; subscribe: declare; admin: all of these."""

PUBLISH: Final[Right] = "publish"
READ: Final[Right] = "read"
SUBSCRIBE: Final[Right] = "subscribe"
ADMIN: Final[Right] = "admin"
RIGHTS: tuple[Right, ...] = get_args(Right)


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody known, by name, and the rights that were given."""

    name: str
    rights: frozenset[Right]

    def may(self, right: Right) -> bool:
        """Whether the principal has the right; admin has all."""
        return right in self.rights or ADMIN in self.rights


ANYONE = Principal("anyone", frozenset({ADMIN}))
"""The caller of a hub that has no tokens: everybody may do everything."""


def require(principal: Principal, right: Right) -> None:
    """Go on only with the right.

    Raises:
        Forbidden: the principal lacks it; the message names both.
    """
    if not principal.may(right):
        has = ", ".join(sorted(principal.rights)) or "none"
        raise Forbidden(
            f"token {principal.name!r} lacks the right {right!r}; its rights: {has}", right=right
        )


def may_publish(principal: Principal, channel: str) -> bool:
    """Whether the principal may send events to the channel; nobody may to the hub's own."""
    return channel not in OWN and principal.may(PUBLISH)


def parse_rights(names: Iterable[str]) -> frozenset[Right]:
    """Check names of rights.

    Raises:
        Malformed: a name is no right, or there is none at all.
    """
    known: dict[str, Right] = {right: right for right in RIGHTS}
    rights: set[Right] = set()
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(name, RIGHTS, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            raise Malformed(f"right: {name!r} is none; known: {', '.join(RIGHTS)}{hint}")
        rights.add(known[name])
    if not rights:
        raise Malformed(f"rights: none given; known: {', '.join(RIGHTS)}")
    return frozenset(rights)
