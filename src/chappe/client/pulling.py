"""The consumer of a pulled subscription: receive, then say of each event what became of it.

consumer = Pulling(hub, "s-5k2v9q")
for one in await consumer.receive(wait_s=20):
    handle(one.event)
    await consumer.acknowledge([one.locktoken])
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from chappe.client import paths
from chappe.client.hub_client import HubClient
from chappe.domain.errors import ChappeError


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """An event that is this consumer's until `lockeduntil`; `event` is its JSON format, as sent."""

    locktoken: str
    deliverycount: int
    lockeduntil: str
    position: str
    event: msgspec.Raw


class FailedToken(msgspec.Struct, frozen=True, kw_only=True):
    """A token that did not do; `code` is one of those in docs/pull.md."""

    locktoken: str
    code: str
    detail: str


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """What became of each token."""

    succeeded: Sequence[str]
    failed: Sequence[FailedToken]


class Pulling:
    """One subscription of protocol PULL."""

    def __init__(self, hub: HubClient, subscription_id: str) -> None:
        self._hub = hub
        self._path = paths.subscription(subscription_id)

    async def receive(self, *, max_events: int = 100, wait_s: float = 0.0) -> Sequence[Received]:
        """Lock events and give them; waits up to `wait_s` (60 at most) for the first one."""
        return decode_received(await self.receive_json(max_events=max_events, wait_s=wait_s))

    async def receive_json(self, *, max_events: int, wait_s: float) -> bytes:
        """The same, as the hub sends it."""
        wanted = {"max_events": max_events, "wait_s": wait_s}
        # Asked again on a new connection only where the hub had not begun to answer.
        answer = await self._hub.write(
            "POST", f"{self._path}/receive", wanted, wait_s=wait_s, repeatable=True
        )
        return answer.body

    async def acknowledge(self, tokens: Sequence[str]) -> Settled:
        """The events are done."""
        return await self._settle("acknowledge", {"locktokens": list(tokens)})

    async def release(self, tokens: Sequence[str], *, delay_s: float = 0.0) -> Settled:
        """The events come again, after the delay."""
        return await self._settle("release", {"locktokens": list(tokens), "delay_s": delay_s})

    async def reject(self, tokens: Sequence[str], *, reason: str | None = None) -> Settled:
        """The events become dead letters."""
        more = {} if reason is None else {"reason": reason}
        return await self._settle("reject", {"locktokens": list(tokens), **more})

    async def renew_locks(self, tokens: Sequence[str]) -> Settled:
        """The events stay locked for another time."""
        return await self._settle("renewlocks", {"locktokens": list(tokens)})

    async def _settle(self, verb: str, wanted: dict[str, object]) -> Settled:
        answer = await self._hub.write("POST", f"{self._path}/{verb}", wanted, repeatable=True)
        return msgspec.json.decode(answer.body, type=Settled)


def decode_received(body: bytes) -> Sequence[Received]:
    """What `receive_json` gave."""
    try:
        return msgspec.json.decode(body, type=list[Received])
    except msgspec.MsgspecError as exc:
        raise ChappeError(f"the answer is not what docs/api.md says ({exc})") from exc
