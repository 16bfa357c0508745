"""Which dead letters a command of `chappe delivery` is about."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import click
import msgspec

from chappe.cli.when import Moment
from chappe.client import paths
from chappe.client.hub_client import HubClient

F = TypeVar("F", bound=Callable[..., Any])


def filtered(command: F) -> F:
    """The options that choose letters."""
    for option in (
        click.option(
            "--until", type=Moment(), metavar="TIME", help="Given up before that time, as --from."
        ),
        click.option(
            "--from", "--since", "from_", type=Moment(), metavar="TIME",
            help="Given up then or later: RFC 3339, or 2h ago.",
        ),
        click.option("--reason", metavar="TEXT", help="A part of the reason, in any case."),
        click.option("--source", help="Events of this source."),
        click.option("--type", "type_", help="Events of this type."),
        click.option(
            "--subscription", "--sub", metavar="ID", help="Letters of this subscription."
        ),
    ):  # fmt: skip
        command = option(command)
    return command


async def letters(hub: HubClient, given: Mapping[str, str], limit: int | None) -> list[msgspec.Raw]:
    """The newest letters that fit; None: all of them."""
    found: list[msgspec.Raw] = []
    page = 1000 if limit is None else min(limit, 1000)
    path: str | None = paths.dead_letters({**given, "limit": str(page)})
    while path is not None and (limit is None or len(found) < limit):
        answer = await hub.read(path)
        found += msgspec.json.decode(answer.body, type=list[msgspec.Raw])
        path = paths.next_page(answer.headers.get("link"))
    return found if limit is None else found[:limit]


def given_filters(filters: Mapping[str, str | None]) -> dict[str, str]:
    """The parameters of a request that the options stand for."""
    names = {"type_": "type", "from_": "from"}
    return {names.get(name, name): value for name, value in filters.items() if value is not None}


def chosen(
    positions: Sequence[str], filters: Mapping[str, str | None], *, all_: bool
) -> dict[str, object]:
    """What a command is about: nothing where positions name it, else its filters.

    Raises:
        click.UsageError: both are there, or none.
    """
    given: dict[str, object] = dict(given_filters(filters))
    if all_:
        given["all"] = True
    if bool(positions) == bool(given):
        raise click.UsageError("name positions, or a filter, or --all")
    return given
