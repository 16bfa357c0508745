"""The catalogue of a hub (`GET /find`): which events there are, who sends them, who takes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

import msgspec

from chappe.client.hub_client import HubClient
from chappe.domain.errors import ChappeError


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """Events that came to the node that answers, and how many of them broke the rules of their type."""

    events: int = 0
    invalid: int = 0


class TypeFound(msgspec.Struct, frozen=True, kw_only=True):
    """A type of events; docs/discovery.md tells what each member is."""

    type: str
    state: str
    declared: Sequence[str] = ()
    owner: str = ""
    domain: str = ""
    group: str = ""
    description: str = ""
    validation: str = ""
    schema: str = ""
    producers: Sequence[str] = ()
    sources: Sequence[str | None] = ()
    consumers: Sequence[str] = ()
    subscriptions: Sequence[str] = ()
    events: int = 0
    perminute: float = 0.0
    lastseen: str | None = None
    quarantined: int = 0
    checked: Checked | None = None
    hours: Sequence[int | None] | None = None


class OtherFound(msgspec.Struct, frozen=True, kw_only=True):
    """A schema, a producer or a consumer."""

    kind: str
    id: str
    xid: str
    owner: str = ""
    description: str = ""


class Facets(msgspec.Struct, frozen=True, kw_only=True):
    """How many types there are by owner, domain and state, with events within an hour, and in quarantine."""

    owner: Mapping[str, int] = {}
    domain: Mapping[str, int] = {}
    state: Mapping[str, int] = {}
    traffic: int = 0
    invalid: int = 0


class CataloguePage(msgspec.Struct, frozen=True, kw_only=True):
    """Some types; `after` is the parameter of the next page."""

    total: int
    matching: int
    facets: Facets
    types: Sequence[TypeFound]
    others: Sequence[OtherFound] = ()
    after: str | None = None


async def find(hub: HubClient, parameters: Mapping[str, str]) -> CataloguePage:
    """A page of the catalogue; the parameters are the API's.

    Raises:
        Malformed: a parameter has a value that it may not have.
    """
    given = urlencode([(name, value) for name, value in parameters.items() if value])
    answer = await hub.read(f"/find?{given}" if given else "/find")
    try:
        return msgspec.json.decode(answer.body, type=CataloguePage)
    except msgspec.MsgspecError as exc:
        raise ChappeError(f"/find: another answer than docs/discovery.md says ({exc})") from exc
