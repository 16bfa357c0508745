"""The subscription at the hub that a consumer reads: made where it is missing, read where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

import msgspec

from chappe.client import paths
from chappe.client.hub_client import JSON, HubClient
from chappe.client.nodes import Nodes
from chappe.client.registry_problems import error_of
from chappe.domain.errors import Conflict, NotFound

DEFAULT_LOCK_S: Final = 60.0


class _Pull(msgspec.Struct):
    lock_s: float = DEFAULT_LOCK_S


class _Stands(msgspec.Struct):
    """As much of a subscription as matters here."""

    protocol: str
    protocolsettings: _Pull
    types: list[str] = []
    filters: list[object] = []


@dataclass(frozen=True, slots=True)
class Standing:
    """A subscription of that name; `wanted` is what it is made of, None: it must be there.

    With `follow_filters` one that is there and takes other events is changed to take those wanted.
    """

    name: str
    wanted: Mapping[str, object] | None = None
    follow_filters: bool = False

    async def stand(self, nodes: Nodes[HubClient]) -> float:
        """See to it that the subscription is there; the seconds that its locks hold.

        Raises:
            NotFound: it is not there, and nothing says what to make.
            Conflict: what has the name is no pulled subscription.
        """
        try:
            found = await nodes.ask(self._read)
        except NotFound:
            if self.wanted is None:
                raise
            await nodes.ask(self._make)
            found = await nodes.ask(self._read)
        if found.protocol != "PULL":
            raise Conflict(
                f"subscription {self.name!r}: is delivered by {found.protocol}, and not pulled"
            )
        if self.follow_filters and self.wanted is not None:
            present: Mapping[str, object] = {"types": found.types, "filters": found.filters}
            wanted = {name: self.wanted.get(name, []) for name in present}
            if wanted != present:
                await nodes.ask(lambda hub: self._change(hub, wanted))
        return found.protocolsettings.lock_s

    async def _read(self, hub: HubClient) -> _Stands:
        answer = await hub.read(paths.subscription(self.name))
        return msgspec.json.decode(answer.body, type=_Stands)

    async def _make(self, hub: HubClient) -> None:
        # As an entity of the registry it takes the id that it is given, and twice is once.
        path = f"/endpoints/hub/subscriptions/{quote(self.name, safe='')}"
        body = msgspec.json.encode(self.wanted)
        answer = await hub.exchange("PUT", path, body, {"accept": JSON, "content-type": JSON})
        if answer.status >= 300:
            raise error_of(answer)

    async def _change(self, hub: HubClient, wanted: Mapping[str, object]) -> None:
        await hub.write("PATCH", paths.subscription(self.name), wanted)
