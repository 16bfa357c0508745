"""What verbs that write share: --dry-run asks the hub what would be, --wait waits for what comes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from chappe.cli.session import Session

if TYPE_CHECKING:
    from chappe.client.hub_client import HubClient

_LOOK_S: Final = 0.2
_NO: Final = 1

F = TypeVar("F", bound=Callable[..., Any])


def dry_run_option(text: str = "Have the hub check it, and change nothing.") -> Callable[[F], F]:
    """The option --dry-run; the command is given it as `dry_run`."""
    return click.option("--dry-run", is_flag=True, help=text)


def wait_option(text: str) -> Callable[[F], F]:
    """The option --wait SECONDS; the command is given it as `wait_s`, None where it was not."""
    return click.option(
        "--wait", "wait_s", type=click.FloatRange(min=0), metavar="SECONDS", help=text
    )


def wait_until(
    session: Session,
    look: Callable[[HubClient], Awaitable[str]],
    wait_s: float | None,
) -> None:
    """Ask until there is nothing more to wait for (""), else say what there is and end with 1.

    None: do not wait at all.
    """
    if wait_s is None:
        return

    async def waited(hub: HubClient) -> str:
        loop = asyncio.get_running_loop()
        until = loop.time() + wait_s
        while True:
            left = await look(hub)
            if not left or loop.time() >= until:
                return left
            await asyncio.sleep(_LOOK_S)

    left = session.run(waited)
    if left:
        session.note(f"not within {wait_s:g} s: {left}")
        click.get_current_context().exit(_NO)
