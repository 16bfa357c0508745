"""`chappe open`: a page of the hub's console, in the browser."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple
from urllib.parse import quote

import click

from chappe.cli.session import Session, printing


class _Page(NamedTuple):
    """Where a page stands below /console/: by itself, and of one thing."""

    whole: str | None
    of_one: str | None = None


PAGES: Final[Mapping[str, _Page]] = MappingProxyType(
    {
        "find": _Page(""),
        "type": _Page("", "types/{}"),
        "event": _Page("live", "events/{}"),
        "live": _Page("live"),
        "map": _Page("map"),
        "schema": _Page("schemas", "schemas/{}"),
        "sub": _Page("subscriptions", "subscriptions/{}"),
        "delivery": _Page("deliveries"),
        "health": _Page("health"),
    }
)


@click.command("open")
@click.argument("page", default="find")
@click.argument("name", required=False)
@click.option("--print", "print_", is_flag=True, help="Print the URL, and open nothing.")
@printing()
def open_(session: Session, page: str, name: str | None, print_: bool) -> None:
    """Open a page of the console: find, type, event, live, map, schema, sub, delivery, health.

    \b
      chappe open
      chappe open type order.paid
      chappe open schema shop/order
      chappe open sub billing --print

    Where there is no browser, the URL is printed.
    """  # noqa: D301 - click's mark for lines as they are
    url = page_url(session.url, page, name)
    if not print_:
        import webbrowser

        if webbrowser.open(url):
            session.note(f"opened {url}")
            return
    session.say(url)


def page_url(hub: str, page: str, name: str | None) -> str:
    """("http://h:4280", "type", "order.paid") -> "http://h:4280/console/types/order.paid".

    Raises:
        click.UsageError: there is no such page, or it is of no one thing.
    """
    found = PAGES.get(page)
    if found is None:
        from chappe.kit.near import meant

        raise click.UsageError(f"{page!r} is no page; {meant(page, PAGES)}")
    base = f"{hub.rstrip('/')}/console/"
    if name is None:
        return f"{base}{found.whole}"
    if found.of_one is None:
        raise click.UsageError(f"{page}: is one page, and takes no name")
    if page == "schema" and name.count("/") != 1:
        raise click.UsageError(f"{name!r}: a schema's page is of GROUP/SCHEMA")
    return base + found.of_one.format(quote(name, safe="/" if page == "schema" else ""))
