"""Names for TAB: asked of the hub by their beginning, within 0.3 s, and kept for a minute.

    ~/.cache/chappe/complete/5f1d…json        one file for a hub and who asks it
    {"type": {"ord": [1763800000, true, ["order.paid", "order.placed"]]}}

What was all for "ord" answers "order.p", too. A hub that does not answer leaves what is known of it.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote, urlsplit

from chappe.cli.configured import Configured, token_of
from chappe.cli.environment import cache_directory
from chappe.cli.moment import now

KEPT_S: Final = 60.0
WAIT_S: Final = 0.3
_STALE_S: Final = 86_400.0
_MOST: Final = 500
_PREFIXES: Final = 50

Ask = Callable[[str], Any]
Found = tuple[bool, list[str]]
"""Whether that is all of them, and the names."""


def names(kind: str, beginning: str, found: Configured) -> Sequence[str]:
    """The names of a kind that begin so.

    Raises:
        Exception: of any class, where something is wrong; who asks lets it pass.
    """
    if kind in _LOCAL:
        return [one for one in _LOCAL[kind](found) if one.startswith(beginning)]
    token = token_of(found.values.get("token")) or _kept_token(found.values["url"].value)
    file = _file(found.values["url"].value, token)
    cached = _read(file)
    at_s = now().timestamp()
    entries = cached.setdefault(kind, {})
    known = _known(entries, beginning, at_s)
    if known is None:
        fresh = _within(lambda: _OF_HUB[kind](_asking(found, token), beginning))
        if fresh is None:
            return _begin_so((one for _, _, kept in entries.values() for one in kept), beginning)
        entries[beginning] = (at_s, *fresh)
        _write(file, cached, at_s)
        known = fresh[1]
    return _begin_so(known, beginning)


def _known(entries: Mapping[str, Any], beginning: str, at_s: float) -> Sequence[str] | None:
    for asked, (kept_s, whole, found) in entries.items():
        fits = asked == beginning or (whole and beginning.startswith(asked))
        if fits and 0 <= at_s - kept_s < KEPT_S:
            return list(found)
    return None


def _begin_so(found: Iterable[str], beginning: str) -> list[str]:
    return sorted({one for one in found if one.startswith(beginning)})


def _within(work: Callable[[], Found]) -> Found | None:
    """What the work gives, if it gives it in time; a thread that hangs ends with the process."""
    done: list[Found] = []

    def run() -> None:
        try:
            done.append(work())
        except Exception:  # noqa: BLE001, S110 - no answer is an answer: none
            pass

    thread = threading.Thread(target=run, name="names", daemon=True)
    thread.start()
    thread.join(WAIT_S)
    return done[0] if done else None


def _asking(found: Configured, token: str | None) -> Ask:
    """GETs a path of the hub, as JSON."""
    from http.client import HTTPConnection, HTTPSConnection

    url = urlsplit(found.values["url"].value)
    assert url.hostname is not None
    headers = {"accept": "application/json"}
    if token:
        headers["authorization"] = f"Bearer {token}"
    connection: HTTPConnection
    if url.scheme == "https":
        import ssl

        ca = found.values.get("ca")
        tls = ssl.create_default_context(cafile=None if ca is None else ca.value)
        connection = HTTPSConnection(url.hostname, url.port, timeout=WAIT_S, context=tls)
    else:
        connection = HTTPConnection(url.hostname, url.port, timeout=WAIT_S)

    def ask(path: str) -> Any:
        connection.request("GET", url.path.rstrip("/") + path, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise ValueError(f"{answer.status}")
        return json.loads(body)

    return ask


def _types(ask: Ask, beginning: str) -> Found:
    page = _page(ask, beginning)
    return page["after"] is None, [one["type"] for one in page["types"]]


def _schemas(ask: Ask, beginning: str) -> Found:
    page = _page(ask, beginning)
    of_types = [one["type"] for one in page["types"] if one.get("schema")]
    query = _filtered("schemagroups.schemas.schemaid", beginning)
    try:
        groups = ask(f"/?inline=schemagroups.schemas{query}").get("schemagroups") or {}
    except ValueError:
        groups = {}  # none fits, or the model has none
    documents = [name for group in groups.values() for name in group.get("schemas") or {}]
    return page["after"] is None, [*of_types, *documents]


def _page(ask: Ask, beginning: str) -> Any:
    query = f"&q={quote(beginning, safe='')}" if beginning else ""
    return ask(f"/find?limit={_MOST}{query}")


def _endpoints(role: str | None) -> Callable[[Ask, str], Found]:
    from chappe.cli.registry_roles import roles

    def find(ask: Ask, beginning: str) -> Found:
        query = _filtered("endpointid", beginning).replace("&", "?", 1)
        found = ask(f"/endpoints{query}")
        return True, [name for name, one in found.items() if role is None or role in roles(one)]

    return find


def _listed(path: str) -> Callable[[Ask, str], Found]:
    return lambda ask, _beginning: (True, [one["id"] for one in ask(path)])


def _filtered(attribute: str, beginning: str) -> str:
    """A filter of the registry; none where the beginning has what means something in one."""
    plain = re.fullmatch(r"[A-Za-z0-9._~:@-]+", beginning)
    return f"&filter={attribute}={beginning}*" if plain else ""


def _tokens(_found: Configured) -> Sequence[str]:
    from chappe.cli.token import path_of
    from chappe.server.tokens import list_tokens

    return [one.name for one in list_tokens(path_of(None, None))]


_LOCAL: Final[Mapping[str, Callable[[Configured], Iterable[str]]]] = {
    "context": lambda found: found.user.contexts,
    "token": _tokens,
}
_OF_HUB: Final[Mapping[str, Callable[[Ask, str], Found]]] = {
    "type": _types,
    "schema": _schemas,
    "endpoint": _endpoints(None),
    "producer": _endpoints("producers"),
    "subscription": _listed("/subscriptions"),
    "source": _listed("/sources"),
}


def _kept_token(url: str) -> str | None:
    """What `chappe login` keeps, if it is of use yet; nothing is renewed for a TAB."""
    from chappe.cli import credentials

    kept = credentials.find(url)
    if kept is None or (kept.expires and kept.expires < now().timestamp()):
        return None
    return kept.token


def _file(url: str, token: str | None) -> str:
    from hashlib import sha256

    name = sha256(f"{url}\n{token or ''}".encode()).hexdigest()[:32]
    return os.path.join(cache_directory(), "complete", f"{name}.json")


def _read(file: str) -> dict[str, Any]:
    try:
        with open(file, encoding="utf-8") as kept:
            found = json.load(kept)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _write(file: str, cached: Mapping[str, Mapping[str, Any]], at_s: float) -> None:
    newest = {
        kind: dict(
            sorted(
                ((key, one) for key, one in entries.items() if at_s - one[0] < _STALE_S),
                key=lambda pair: -pair[1][0],
            )[:_PREFIXES]
        )
        for kind, entries in cached.items()
    }
    os.makedirs(os.path.dirname(file), mode=0o700, exist_ok=True)
    draft = f"{file}.{secrets.token_hex(4)}"
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        json.dump(newest, out)
    os.replace(draft, file)
