"""Resolve, judge, and hand over what may be connected to (see ports/egress).

A name is resolved once for each connection, and the addresses that the policy lets through are the ones that are
connected to: a name that leads elsewhere a moment later (DNS rebinding) leads nobody astray.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from ipaddress import ip_address

from chappe.adapters.egress.resolver import SystemResolver
from chappe.domain.addresses import literal
from chappe.domain.egress import EgressPolicy
from chappe.ports.egress import Egress, NotReachable

Resolve = Callable[[str], Awaitable[Sequence[str]]]


class GuardedEgress:
    """The policy, over a resolver: name -> addresses, or NotReachable."""

    def __init__(self, policy: EgressPolicy, *, resolve: Resolve | None = None) -> None:
        self._policy = policy
        self._resolve = SystemResolver() if resolve is None else resolve

    async def vetted_addresses(self, host: str, port: int) -> Sequence[str]:
        """See the port."""
        written = literal(host)
        found = [str(written)] if written is not None else await self._resolve(host)
        allowed: list[str] = []
        refused: str | None = None
        for address in found:
            refusal = self._policy.refusal(host, port, ip_address(address))
            if refusal is None:
                allowed.append(address)
            elif refused is None:
                refused = refusal
        if not allowed:
            raise NotReachable(refused or f"host name {host} has no address")
        return allowed

    def refusal_of_plain(self, host: str) -> str | None:
        """See the port."""
        return self._policy.refusal_of_plain(host)


_: type[Egress] = GuardedEgress
