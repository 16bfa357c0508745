"""What `chappe dev` does once the hub answers: say where it is and what to do next, and begin the demo."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from chappe import __version__
from chappe.cli.session import Session

if TYPE_CHECKING:
    from chappe.cli.demo.shop import Shop
    from chappe.server.run import HubFile

_DEFAULT_URL = "http://127.0.0.1:4280"


class Ready:
    """Called by the hub with where it is; `end` ends what it began."""

    def __init__(self, session: Session, *, demo: bool, browser: bool) -> None:
        self._session = session
        self._demo = demo
        self._browser = browser
        self._shop: Shop | None = None

    def __call__(self, here: HubFile, data: Path) -> None:
        """The hub answers."""
        confluent = "" if here.confluent is None else f", Confluent's API at {here.confluent}"
        _say(f"chappe {__version__} serves {here.url}{confluent}, data in {data}")
        _say(f"the web console: {here.url}/console/")
        if self._browser and sys.stdout.isatty():
            import webbrowser

            webbrowser.open(f"{here.url}/console/")
        if not self._demo:
            return
        from chappe.cli.demo.shop import Shop

        def told(what: str) -> None:
            _say(what)
            for line in _next(here.url):
                _say(line)

        self._shop = Shop(here.url, self._session.token, told)
        self._shop.start()

    def end(self) -> None:
        """End the demo, where there is one."""
        if self._shop is not None:
            self._shop.stop()


def _next(url: str) -> list[str]:
    chappe = "chappe" if url == _DEFAULT_URL else f"chappe --url {url}"
    return [
        "next:  " + f"{chappe} find order paid",
        "       " + f"{chappe} event tail --type shop.order.paid",
        "       " + f"{chappe} delivery ls --sub crm",
    ]


def _say(text: str) -> None:
    click.echo(text, err=True)
