"""Which name was meant, when the hub has none of it: asked for after a failure, and only then.

    chappe sub get bilings   ->   next:  did you mean 'billing'? …

What a name is of follows from the command and the option that it stands in. That the hub cannot be asked
is no trouble of its own: then the error stands as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, Literal

import click
import msgspec

from chappe.cli.registry_find import SCHEMAS, id_of
from chappe.cli.registry_find import ask as ask_registry
from chappe.cli.registry_seen import types_seen
from chappe.cli.session import Session
from chappe.client import paths
from chappe.client.hub_client import HubClient
from chappe.client.paths import DEFAULT_CHANNEL
from chappe.client.registry import RegistryClient
from chappe.client.views import Connected, Subscribed
from chappe.domain.errors import ChappeError, NotFound
from chappe.kit.near import nearby

Kind = Literal["subscription", "source", "channel", "type", "schema"]

_OF_GROUP: Final[Mapping[str, Kind]] = {
    "sub": "subscription",
    "source": "source",
    "type": "type",
    "schema": "schema",
}
"""What the arguments of a group's commands name."""

_OF_COMMAND: Final[Mapping[str, Kind]] = {
    "chappe check sub": "subscription",
    "chappe check source": "source",
    "chappe check channel": "channel",
}
_OF_OPTION: Final[Mapping[str, Kind]] = {"--sub": "subscription", "--channel": "channel"}
_MOST: Final = 3
_WAIT_S: Final = 2.0


def with_near(session: Session, ctx: click.Context, error: NotFound) -> NotFound:
    """The error, and in its `near` the names that may have been meant; as it is where there are none."""
    if "did you mean" in error.message:
        return error
    wanted = list(_named(ctx))
    if not wanted:
        return error

    async def ask(hub: HubClient) -> list[str]:
        found: dict[str, None] = {}
        for kind, name in wanted:
            names = await _names(hub, kind)
            if name not in names:
                found |= dict.fromkeys(nearby(name, names, most=_MOST))
        return list(found)[:_MOST]

    try:
        near = replace(session, timeout_s=min(_WAIT_S, session.timeout_s)).run(ask)
    except (ChappeError, msgspec.MsgspecError):
        return error
    if near:
        error.details = {**error.details, "near": near}
    return error


def _named(ctx: click.Context) -> Iterator[tuple[Kind, str]]:
    """The names that the command line gives of what a hub has."""
    group = ctx.parent.info_name if ctx.parent is not None else None
    of_arguments = _OF_COMMAND.get(ctx.command_path) or _OF_GROUP.get(group or "")
    for one in ctx.command.params:
        if isinstance(one, click.Argument):
            kind = of_arguments
        else:
            kind = next((_OF_OPTION[opt] for opt in one.opts if opt in _OF_OPTION), None)
        if kind is not None and one.name is not None:
            for value in _texts(ctx.params.get(one.name)):
                yield kind, value


def _texts(value: Any) -> Iterator[str]:
    for one in value if isinstance(value, tuple | list) else (value,):
        if isinstance(one, str) and not one.startswith("/"):
            yield one


async def _names(hub: HubClient, kind: Kind) -> list[str]:
    match kind:
        case "subscription":
            body = (await hub.read(paths.SUBSCRIPTIONS)).body
            return [one.id for one in msgspec.json.decode(body, type=list[Subscribed])]
        case "source":
            body = (await hub.read(paths.SOURCES)).body
            return [one.id for one in msgspec.json.decode(body, type=list[Connected])]
        case "channel":
            body = (await hub.read(paths.CHANNELS)).body
            return list(msgspec.json.decode(body, type=dict[str, Any]))
        case "schema":
            found, _ = await ask_registry(RegistryClient(hub), SCHEMAS, ())
            return [id_of(one) for one in found]
        case "type":
            return [one.type for one in await types_seen(RegistryClient(hub), DEFAULT_CHANNEL)]
