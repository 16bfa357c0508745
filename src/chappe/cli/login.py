"""`chappe login`, `logout` and `whoami`: who one is to a hub."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click
import msgspec

from chappe.cli import credentials
from chappe.cli.credentials import Credential
from chappe.cli.moment import now
from chappe.cli.session import Session, remote
from chappe.domain.errors import Malformed, NotFound, Unauthenticated

if TYPE_CHECKING:
    from chappe.client.hub_client import HubClient
    from chappe.client.oidc import Device, Endpoints, Issuer, Tokens

EARLY_S = 60.0
"""So long before its end a token is renewed."""


@click.command()
@click.option(
    "--flow",
    type=click.Choice(("auto", "device", "browser")),
    default="auto",
    show_default=True,
    help="device: type a code anywhere; browser: of this machine; auto: device if there is.",
)
@click.option("--no-browser", is_flag=True, help="Do not open a browser, only show the URL.")
@remote
def login(session: Session, flow: str, no_browser: bool) -> None:
    """Log in to a hub, and stay it: with its identity provider, or with a token.

    \b
      chappe login
      chappe login --token - < token.txt
    """  # noqa: D301 - click's mark for lines as they are
    if session.token:
        token = sys.stdin.read().strip() if session.token == "-" else session.token  # noqa: S105
        who = session.sending(token).run(_whoami)
        made = Credential(token, name=str(who["name"]))
    else:
        made, who = session.run(
            lambda hub: _by_issuer(session, hub, flow, no_browser), logged_in=False
        )
    file = credentials.keep(session.url, made)
    session.say(str(who["name"]))
    session.note(f"Logged in to {session.url} ({_may(who)}); kept in {file}")


@click.command()
@remote
def logout(session: Session) -> None:
    """Forget what `chappe login` kept for a hub.

    \b
      chappe logout
      chappe logout --url https://events.example
    """  # noqa: D301 - click's mark for lines as they are
    kept = credentials.find(session.url)
    if kept is None:
        raise NotFound(f"login: nothing is kept for {session.url}")
    credentials.forget(session.url)
    session.say(kept.name)


@click.command()
@remote
def whoami(session: Session) -> None:
    """Show who one is to a hub, and what one may.

    \b
      chappe whoami
      chappe whoami -o json | jq .roles
    """  # noqa: D301 - click's mark for lines as they are
    who = session.run(_whoami)
    match session.output:
        case "json" | "jsonl":
            session.pass_through(msgspec.json.encode(who))
        case "name":
            session.say(str(who["name"]))
        case _:
            session.say(f"{who['name']} ({who['how']}): {_may(who)}")


async def current(url: str, timeout_s: float) -> str | None:
    """The token for a hub, renewed if it ends soon; None: nothing is kept.

    Raises:
        Unauthenticated: it has expired, and cannot be renewed.
        Unavailable: the issuer, which is asked for another one, does not answer.
    """
    kept = credentials.find(url)
    if kept is None:
        return None
    now_s = now().timestamp()
    if not kept.expires or now_s < kept.expires - EARLY_S:
        return kept.token
    if kept.refresh_token:
        from chappe.client.oidc import Issuer

        issuer = Issuer(kept.issuer, kept.client_id, kept.scopes, timeout_s)
        renewed = await issuer.renewed(await issuer.endpoints(), kept.refresh_token)
        token = renewed.id_token if kept.kind == "id_token" else renewed.access_token
        if token:
            ends = 0.0 if renewed.expires_in is None else now_s + renewed.expires_in
            newer = renewed.refresh_token or kept.refresh_token
            credentials.keep(
                url, msgspec.structs.replace(kept, token=token, expires=ends, refresh_token=newer)
            )
            return token
    if now_s < kept.expires:
        return kept.token
    raise Unauthenticated(f"the login to {url} has expired; log in again: chappe login")


async def _whoami(hub: HubClient) -> Mapping[str, Any]:
    found: Mapping[str, Any] = msgspec.json.decode((await hub.read("/whoami")).body)
    return found


async def _by_issuer(
    session: Session, hub: HubClient, flow: str, no_browser: bool
) -> tuple[Credential, Mapping[str, Any]]:
    from chappe.client.oidc import Issuer

    told = msgspec.json.decode((await hub.read("/console/login.json")).body)
    if told["open"]:
        raise Malformed(f"login: {session.url} is open, it asks nobody who they are")
    if told["oidc"] is None:
        raise Malformed(
            f"login: {session.url} has no identity provider; use a token: chappe login --token -"
        )
    issuer = Issuer(
        told["oidc"]["issuer"],
        told["oidc"]["client_id"],
        told["oidc"]["scopes"],
        session.timeout_s,
    )
    at = await issuer.endpoints()
    tokens = await _tokens(session, issuer, at, flow, no_browser)
    return await _accepted(session, issuer, tokens)


async def _tokens(
    session: Session, issuer: Issuer, at: Endpoints, flow: str, no_browser: bool
) -> Tokens:
    def show_device(device: Device) -> None:
        where = device.verification_uri_complete or device.verification_uri
        click.echo(
            f"Open {device.verification_uri} and enter the code {device.user_code}", err=True
        )
        _open(where, no_browser)

    def show_url(url: str) -> None:
        click.echo(f"Open this page: {url}", err=True)
        _open(url, no_browser)

    if flow == "device" and not at.device_authorization_endpoint:
        raise Malformed(f"--flow device: {issuer.url} does not offer it; try --flow browser")
    if flow != "browser" and at.device_authorization_endpoint:
        return await issuer.by_device(at, show_device)
    if not at.authorization_endpoint:
        raise Malformed(f"--flow browser: {issuer.url} does not offer it")
    return await issuer.by_browser(at, show_url)


async def _accepted(
    session: Session, issuer: Issuer, tokens: Tokens
) -> tuple[Credential, Mapping[str, Any]]:
    """The token that the hub takes: issuers differ in whom their access tokens are for."""
    refused: Unauthenticated | None = None
    ends = 0.0 if tokens.expires_in is None else now().timestamp() + tokens.expires_in
    for kind, token in (("access_token", tokens.access_token), ("id_token", tokens.id_token)):
        if token.count(".") != 2:
            continue
        try:
            async with session.client(token) as hub:
                who = await _whoami(hub)
        except Unauthenticated as error:
            refused = error
            continue
        made = Credential(
            token,
            str(who["name"]),
            ends,
            tokens.refresh_token,
            issuer.url,
            issuer.client_id,
            issuer.scopes,
            kind,
        )
        return made, who
    raise refused or Unauthenticated("login: the issuer sent no token that a hub can check (JWT)")


def _open(url: str, no_browser: bool) -> None:
    # The issuer says what is opened: nothing but a page of the web.
    if not no_browser and sys.stdin.isatty() and url.startswith(("https://", "http://")):
        import webbrowser

        webbrowser.open(url)


def _may(who: Mapping[str, Any]) -> str:
    return ", ".join((*who["rights"], *who["roles"])) or "no rights"
