"""Below what `chappe find` found: of each type who owns it, sends it and takes it, and whether it is alive.

TYPE             OWNER          PRODUCERS  CONSUMERS     A MINUTE  VALID   LAST SEEN            STATE
shop.order.paid  team-checkout  shop-web   billing, crm  44.5      98.6 %  2026-11-23 04:33:16  active

VALID is the part of the events that came to the answering node since it started that kept the rules of their type.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from chappe.cli.registry_print import listing
from chappe.cli.render import moment
from chappe.cli.session import Session
from chappe.client.catalogue import Checked, TypeFound, find
from chappe.client.hub_client import HubClient
from chappe.domain.errors import CallerError
from chappe.kit.share import percent

MOST: Final = 10
_COLUMNS: Final = (
    "TYPE", "OWNER", "PRODUCERS", "CONSUMERS", "A MINUTE", "VALID", "LAST SEEN", "STATE",
)  # fmt: skip


def show_types(session: Session, types: Mapping[str, str]) -> None:
    """A table of the first ten types, by the xids that declare them; nothing where the hub does not tell."""
    found = session.run(lambda hub: _found(hub, types))
    if found:
        session.say("")
        listing(session, _COLUMNS, [_row(one) for one in found])


async def _found(hub: HubClient, types: Mapping[str, str]) -> list[TypeFound]:
    found: list[TypeFound] = []
    for xid, type_ in list(types.items())[:MOST]:
        try:
            page = await find(hub, {"type": type_})
        except CallerError:
            return []  # a hub without the catalogue, or no right to the channel
        found += [one for one in page.types if xid in one.declared]
    return found


def _row(one: TypeFound) -> tuple[str, ...]:
    return (
        one.type,
        one.owner,
        _few([*one.producers, *(str(each) for each in one.sources if each and not one.producers)]),
        _few(one.consumers or one.subscriptions),
        f"{one.perminute:g}",
        _valid(one.checked),
        moment(one.lastseen or "").partition(".")[0] or "never",
        one.state,
    )


def _valid(checked: Checked | None) -> str:
    if checked is None or not checked.events:
        return "-"
    return percent(100 * (checked.events - checked.invalid) / checked.events)


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
