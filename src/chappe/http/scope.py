"""Which group of the registry a request is about: who holds a role for that group alone may make it.

    GET /channels/orders/events          channels/orders
    PUT /subscriptions/s-5k2v9q          channels/… of the subscription's events, or endpoints/hub
    PUT /schemagroups/shop/schemas/a     schemagroups/shop
    GET /types                           none: the whole hub

Nothing here is about who asks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias
from urllib.parse import unquote

from chappe.domain.access import (
    AUDITED,
    READ,
    SUBSCRIBE,
    Group,
    Principal,
    channel_group,
    require,
)
from chappe.domain.channel import DEFAULT
from chappe.domain.options import Options
from chappe.formats.hub_entities import CHANNELS, ENDPOINTS, HUB, SUBSCRIPTIONS
from chappe.registry.entity import Resource, Version
from chappe.registry.request import Change
from chappe.registry.state import State

Scope: TypeAlias = Callable[[State, Mapping[str, str], Mapping[str, str]], Sequence[Group] | None]
"""The groups of a request, by the registry, the path's parts and the parameters: a right for one of
them is enough; none: the whole hub is meant; None: the body says it, so the handler looks."""

_OWN_ENDPOINT: Final = Group(ENDPOINTS, HUB)
"""Its resources are the hub's subscriptions."""


def whole_hub(
    state: State, params: Mapping[str, str], query: Mapping[str, str]
) -> Sequence[Group] | None:
    """No group: what is asked for is about everything."""
    return ()


def by_body(
    state: State, params: Mapping[str, str], query: Mapping[str, str]
) -> Sequence[Group] | None:
    """The body says which; the handler asks for the right."""
    return None


def of_channel(
    state: State, params: Mapping[str, str], query: Mapping[str, str]
) -> Sequence[Group] | None:
    """The channel of the path or of the parameter `channel`, else the default one."""
    return (channel_group(params.get("channel") or query.get("channel") or DEFAULT),)


def of_subscription(
    state: State, params: Mapping[str, str], query: Mapping[str, str]
) -> Sequence[Group] | None:
    """The subscription of the path; one that there is not is none of any channel."""
    found = state.subscriptions.get(params["id"])
    return (_OWN_ENDPOINT,) if found is None else subscribed(found.channel)


def of_listed(
    state: State, params: Mapping[str, str], query: Mapping[str, str]
) -> Sequence[Group] | None:
    """The channel that a list is narrowed to; a whole list is about the whole hub."""
    return subscribed(query["channel"]) if "channel" in query else ()


def of_letters(
    state: State, params: Mapping[str, str], query: Mapping[str, str]
) -> Sequence[Group] | None:
    """The subscription that dead letters are narrowed to."""
    found = state.subscriptions.get(query.get("subscription", ""))
    return () if found is None else subscribed(found.channel)


def of_judged(
    state: State, params: Mapping[str, str], query: Mapping[str, str]
) -> Sequence[Group] | None:
    """A schema may be any; of the channel that it is judged by, only the audit is not for all."""
    return (AUDITED,) if query.get("channel") == AUDITED.id else ()


def of_source(
    state: State, params: Mapping[str, str], query: Mapping[str, str]
) -> Sequence[Group] | None:
    """The channel that the source of the path writes to."""
    found = state.sources.get(params["id"])
    return () if found is None else (channel_group(found.options.channel),)


def of_schema_group(
    state: State, params: Mapping[str, str], query: Mapping[str, str]
) -> Sequence[Group] | None:
    """The schema group of the path."""
    return (Group("schemagroups", params["group"]),)


def subscribed(channel: str) -> Sequence[Group]:
    """The groups of a subscription to a channel: the channel, or the endpoint of all subscriptions."""
    group = channel_group(channel)
    # Who may do something to any subscription may not read the audit by one.
    return (group,) if group == AUDITED else (group, _OWN_ENDPOINT)


def require_subscribing(by: Principal, channel: str | None, options: Options) -> None:
    """See that somebody may have events of a channel delivered, and replies stored where they go.

    Raises:
        Forbidden: they may not.
    """
    channel = channel or DEFAULT
    require(by, SUBSCRIBE, *subscribed(channel))
    if options.replies is not None and options.replies.channel:
        require(by, SUBSCRIBE, *subscribed(options.replies.channel))


def of_path(path: bytes) -> Sequence[Group]:
    """The group of a path of the registry; () for the registry as a whole and for whole collections."""
    parts = path.split(b"/")[1:]
    if len(parts) < 2 or not parts[1]:
        return ()
    return (Group(_text(parts[0]), _text(parts[1])),)


def require_changes(by: Principal, changes: Sequence[Change]) -> None:
    """See that somebody may make each of the changes that a write comes to.

    A path names one group, but what is sent may lead to another one: by an `xref`, whose target is
    shown as the writer's own, or by a subscription, which takes events out of a channel.

    Raises:
        Forbidden: one of them is in a group that they have no right for.
    """
    if not by.grants and by.may(SUBSCRIBE, AUDITED):
        return
    for change in changes:
        if len(change.path) < 2:
            continue  # The registry's own epoch; what else is there is an administrator's to change.
        require(by, SUBSCRIBE, Group(*change.path[:2]))
        after = change.after
        if isinstance(after, Resource) and after.xref is not None:
            require(by, READ, *of_path(after.xref.encode("utf-8", "surrogateescape")))
        elif isinstance(after, Version) and change.path[:3] == (ENDPOINTS, HUB, SUBSCRIPTIONS):
            # All other channels are covered by the endpoint's own group.
            if after.attributes.get("channel") == AUDITED.id:
                require(by, SUBSCRIBE, AUDITED)


def _text(part: bytes) -> str:
    return unquote(part.decode("latin-1"), errors="surrogateescape")


assert CHANNELS == AUDITED.type
