"""Who may do what: five rights, the roles that bundle them, and the principals that hold them.

A role is held for the whole hub, or for some of its groups: xRegistry's groups, channels included.

    developer                            for the whole hub
    developer@channels/orders            for one group
    operator@*/shop,schemagroups/com.*   for each group that is called "shop", and for some by prefix
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, TypeAlias, get_args

from typing_extensions import override

from chappe.domain.channel import AUDIT, OWN
from chappe.domain.errors import Forbidden, Malformed

Right: TypeAlias = Literal["publish", "read", "subscribe", "operate", "admin"]
"""publish: send events in; read: see everything; subscribe: declare; operate: retry and discard what
failed; admin: all of these, and what the hub is."""

PUBLISH: Final[Right] = "publish"
READ: Final[Right] = "read"
SUBSCRIBE: Final[Right] = "subscribe"
OPERATE: Final[Right] = "operate"
ADMIN: Final[Right] = "admin"
RIGHTS: tuple[Right, ...] = get_args(Right)

Role: TypeAlias = Literal["viewer", "developer", "operator", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
"""Each has what those before it have."""

RIGHTS_OF: Final[Mapping[Role, frozenset[Right]]] = {
    "viewer": frozenset({READ}),
    "developer": frozenset({READ, PUBLISH, SUBSCRIBE}),
    "operator": frozenset({READ, PUBLISH, SUBSCRIBE, OPERATE}),
    "admin": frozenset(RIGHTS),
}

How: TypeAlias = Literal["open", "token", "oidc", "session"]
"""How somebody proved who they are: an open hub asks nobody; a session began with a token or OIDC."""


class Group(NamedTuple):
    """A group of the registry: ("channels", "orders")."""

    type: str
    id: str

    @override
    def __str__(self) -> str:
        """As it stands in a path, "channels/orders"."""
        return f"{self.type}/{self.id}"


AUDITED: Final = Group("channels", AUDIT)
"""What everybody did is not for everybody: only a grant that names this group, and admin, cover it."""


def channel_group(channel: str) -> Group:
    """The group of a channel."""
    return Group("channels", channel)


@dataclass(frozen=True, slots=True)
class Where:
    """The groups that a role is held for: a type or "*", and an id, or what it begins with and "*"."""

    type: str
    id: str

    def holds(self, group: Group) -> bool:
        """Whether the group is one of them."""
        if group == AUDITED:
            return self == Where(*AUDITED)
        if self.type not in ("*", group.type):
            return False
        if self.id.endswith("*"):
            return group.id.startswith(self.id[:-1])
        return group.id == self.id

    @override
    def __str__(self) -> str:
        """As it was written."""
        return f"{self.type}/{self.id}"


@dataclass(frozen=True, slots=True)
class Grant:
    """A role, and the groups that it is held for; without any, the whole hub."""

    role: Role
    groups: Sequence[Where] = ()

    @override
    def __str__(self) -> str:
        """As it is written, "developer@channels/orders"."""
        return f"{self.role}@{','.join(map(str, self.groups))}" if self.groups else self.role


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody known, by name: the rights for the whole hub, and the roles for some groups of it."""

    name: str
    rights: frozenset[Right]
    grants: Sequence[Grant] = ()
    how: How = "token"

    @classmethod
    def holding(
        cls,
        name: str,
        grants: Iterable[Grant],
        *,
        how: How,
        rights: frozenset[Right] = frozenset(),
    ) -> Principal:
        """The principal with these roles, and some rights besides."""
        held, narrow = rights, list[Grant]()
        for grant in grants:
            if grant.groups:
                narrow.append(grant)
            else:
                held |= RIGHTS_OF[grant.role]
        return cls(name, held, tuple(narrow), how)

    def may(self, right: Right, group: Group | None = None) -> bool:
        """Whether the principal has the right for a group, or (None) for the whole hub."""
        if ADMIN in self.rights:
            return True
        if right in self.rights and group != AUDITED:
            return True
        return group is not None and any(
            right in RIGHTS_OF[grant.role] and any(where.holds(group) for where in grant.groups)
            for grant in self.grants
        )

    def may_somewhere(self, right: Right) -> bool:
        """Whether there is any group that the principal has the right for."""
        return self.may(right) or any(right in RIGHTS_OF[grant.role] for grant in self.grants)

    @property
    def described(self) -> str:
        """The rights and grants, for a message."""
        return ", ".join((*sorted(self.rights), *map(str, self.grants))) or "none"


ANYONE = Principal("anyone", frozenset({ADMIN}), how="open")
"""The caller of a hub that asks nobody who they are: everybody may do everything."""


def require(principal: Principal, right: Right, *groups: Group) -> None:
    """Go on only with the right for one of the groups; for the whole hub where none is given.

    Raises:
        Forbidden: the principal lacks it; the message names it, the role that has it, and the group.
    """
    if any(principal.may(right, group) for group in groups or (None,)):
        return
    raise lacking(principal, right, *groups)


def require_somewhere(principal: Principal, right: Right) -> None:
    """Go on only with the right for some group; which one is looked at later.

    Raises:
        Forbidden: as `require`.
    """
    if not principal.may_somewhere(right):
        raise lacking(principal, right)


def lacking(principal: Principal, right: Right, *groups: Group) -> Forbidden:
    """The refusal of somebody who lacks a right."""
    role = role_for(right)
    who = "token" if principal.how == "token" else "user"
    where = f" for {groups[0]}" if groups else ""
    asked = f"{role}@{groups[0]}" if groups else role
    return Forbidden(
        f"{who} {principal.name!r} lacks the right {right!r}{where}; its rights: "
        f"{principal.described}; the role {asked} has it",
        right=right,
        role=role,
        group=str(groups[0]) if groups else "*",
    )


def role_for(right: Right) -> Role:
    """The least role that has the right."""
    return next(role for role in ROLES if right in RIGHTS_OF[role])


def may_publish(principal: Principal, channel: str) -> bool:
    """Whether the principal may send events to the channel; nobody may to the hub's own."""
    return channel not in OWN and principal.may(PUBLISH, channel_group(channel))


def parse_rights(names: Iterable[str]) -> frozenset[Right]:
    """Check names of rights.

    Raises:
        Malformed: a name is no right, or there is none at all.
    """
    known: dict[str, Right] = {right: right for right in RIGHTS}
    rights: set[Right] = set()
    for name in names:
        if name not in known:
            raise Malformed(
                f"right: {name!r} is none; known: {', '.join(RIGHTS)}{_hint(name, RIGHTS)}"
            )
        rights.add(known[name])
    if not rights:
        raise Malformed(f"rights: none given; known: {', '.join(RIGHTS)}")
    return frozenset(rights)


def parse_grant(text: str) -> Grant:
    """Read a role as it is written: "developer@channels/orders,*/shop", "viewer".

    Raises:
        Malformed: the role is none, or a group is not of the form TYPE/ID.
    """
    name, at, groups = text.partition("@")
    role = next((one for one in ROLES if one == name), None)
    if role is None:
        raise Malformed(f"role: {name!r} is none; known: {', '.join(ROLES)}{_hint(name, ROLES)}")
    if not at or groups.strip() == "*":
        return Grant(role)
    return Grant(role, tuple(_where(one.strip(), text) for one in groups.split(",")))


def _where(text: str, grant: str) -> Where:
    type_, slash, id_ = text.partition("/")
    starred = "*" in id_[:-1] or ("*" in type_ and type_ != "*")
    if not slash or not type_ or not id_ or "/" in id_ or starred:
        raise Malformed(
            f"role {grant!r}: {text!r} is no group; write TYPE/ID, such as channels/orders or "
            "schemagroups/shop; the type may be '*', and an id may end with '*'"
        )
    return Where(type_, id_)


def _hint(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
