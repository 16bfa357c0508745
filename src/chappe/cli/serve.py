"""`chappe dev` and `chappe serve`: the two commands that are the hub instead of asking it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from chappe.cli.session import Session
from chappe.server.settings import SettingInfo, describe, load_here


@click.command()
@click.option("--port", help="Port to listen on; 0 takes one that is free.  [default: 4280]")
@click.option(
    "--confluent-port", help="Port of the Confluent API alone; 0 takes one.  [default: none]"
)
@click.option("--data", metavar="DIR", help="Keep everything there; else it goes with the hub.")
@click.option("--log-level", help="debug, info, warning or error.  [default: info]")
@click.option("--registry-id", metavar="ID", help="The registry's id.  [default: chappe]")
@click.option(
    "--model", metavar="hub|none|FILE", help="What the registry begins with.  [default: hub]"
)
@click.option("--demo", is_flag=True, help="With a sample shop: types, consumers, live events.")
@click.option(
    "--open",
    "open_",
    is_flag=True,
    help="Open the web console in the browser, where a person is there.",
)
@click.pass_context
def dev(ctx: click.Context, /, demo: bool, open_: bool, **flags: Any) -> None:
    """Run a hub on this machine, its engine included, until Ctrl-C.

    \b
      chappe dev --demo

    It listens on 127.0.0.1. What it took in is gone at its end, unless --data says where to keep it.
    """  # noqa: D301 - click's mark for lines as they are
    from chappe.cli.dev_ready import Ready
    from chappe.server.run import run

    session = ctx.find_object(Session) or Session()
    if demo and not flags["log_level"]:
        # The shop's own troubles are part of it; they are seen with the commands.
        flags["log_level"] = "error"
    ready = Ready(session, demo=demo, browser=open_)
    try:
        ctx.exit(run(load_here(flags), dev=True, ready=ready))
    finally:
        ready.end()


def _every_setting(command: Callable[..., None]) -> Callable[..., None]:
    for info in reversed(describe()):
        command = _option(info)(command)
    return command


def _option(info: SettingInfo) -> Callable[[Callable[..., None]], Callable[..., None]]:
    # Values are read by the settings, which name the place that a wrong one came from; so is the
    # environment.
    return click.option(
        info.flag,
        info.name,
        metavar=info.type.upper(),
        help=f"{info.meaning.replace('`', '')} [env: {info.env}]  "
        f"[default: {info.default.replace('`', '')}]",
    )


@click.command()
@click.option(
    "--config", metavar="FILE", help="TOML file. [env: CHAPPE_CONFIG]  [default: chappe.toml]"
)
@_every_setting
@click.pass_context
def serve(ctx: click.Context, /, **flags: Any) -> None:
    """Run a hub as a server.

    \b
      chappe serve --config /etc/chappe/chappe.toml
      chappe serve --host 0.0.0.0 --data /var/lib/chappe

    Settings come from options, then the environment, then chappe.toml, then defaults.
    """  # noqa: D301 - click's mark for lines as they are
    from chappe.server.run import run

    ctx.exit(run(load_here(flags), dev=False))
