"""What an identity provider says of somebody -> the roles that they hold here.

platform=admin                        who is in the group "platform" administers
shop=developer@channels/orders        who is in "shop" develops, on that channel
*=viewer                              whoever it lets in may read
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from chappe.domain.access import Grant, parse_grant
from chappe.domain.errors import Malformed

EVERYBODY: Final = "*"


@dataclass(frozen=True, slots=True)
class ClaimRole:
    """A value of the claim, and the role that those who have it hold."""

    value: str
    grant: Grant


def parse_claim_role(text: str) -> ClaimRole:
    """Read "VALUE=ROLE" or "VALUE=ROLE@GROUP,…"; a value may hold "=", a role cannot.

    Raises:
        Malformed: it is none of both.
    """
    value, equals, role = text.strip().rpartition("=")
    if not equals or not value.strip():
        raise Malformed(f"{text!r}: write VALUE=ROLE, such as platform=admin or *=viewer")
    return ClaimRole(value.strip(), parse_grant(role.strip()))


def values_at(claims: Mapping[str, object], path: str) -> Sequence[str]:
    """The values of a claim, a text or an array of texts: "groups", "realm_access.roles".

    A claim of the whole name comes first: URLs, which are names of claims too, have dots in them.
    """
    found: object = claims.get(path)
    if found is None:
        found = claims
        for name in path.split("."):
            found = found.get(name) if isinstance(found, Mapping) else None
    if isinstance(found, str):
        return (found,)
    if isinstance(found, Sequence):
        return tuple(one for one in found if isinstance(one, str))
    return ()


def roles_of(values: Collection[str], mapping: Sequence[ClaimRole]) -> Sequence[Grant]:
    """What somebody with these values of the claim holds."""
    return [one.grant for one in mapping if one.value == EVERYBODY or one.value in values]
