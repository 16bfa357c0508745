"""The secrets of `chappe login`: one file of the user's own, one entry for each hub, by its URL.

    ~/.config/chappe/credentials.json, mode 0600
    {"hubs": {"http://127.0.0.1:4280": {"token": "chp_…", "name": "ci"}}}

`keep`, `find` and `forget` are all that others need. Nothing of it is imported before it is needed.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from chappe.domain.errors import InvalidSetting


class Credential(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is sent to a hub, and how it is renewed: `expires` is Unix time, 0 for never."""

    token: str
    name: str = ""
    expires: float = 0.0
    refresh_token: str = ""
    issuer: str = ""
    client_id: str = ""
    scopes: str = ""
    kind: str = ""
    """Which of the issuer's tokens it is, access_token or id_token; "" for a token of the hub."""


class _File(msgspec.Struct):
    hubs: dict[str, Credential]


def path() -> Path:
    """Where they are kept."""
    import platformdirs

    return platformdirs.user_config_path("chappe") / "credentials.json"


def keep(url: str, credential: Credential) -> Path:
    """Keep what is sent to the hub at the URL, instead of what was before; the file.

    Raises:
        InvalidSetting: the file cannot be read or written.
    """
    hubs = dict(_load())
    hubs[canonical(url)] = credential
    return _save(hubs)


def find(url: str) -> Credential | None:
    """What is sent to the hub at the URL.

    Raises:
        InvalidSetting: the file cannot be read.
    """
    return _load().get(canonical(url))


def forget(url: str) -> bool:
    """Keep nothing for the hub at the URL; whether there was something.

    Raises:
        InvalidSetting: the file cannot be read or written.
    """
    hubs = dict(_load())
    if hubs.pop(canonical(url), None) is None:
        return False
    _save(hubs)
    return True


def canonical(url: str) -> str:
    """The URL in the one form that entries have: "HTTP://Hub.Example:80/" -> "http://hub.example"."""
    parts = urlsplit(url)
    scheme, host = parts.scheme.lower(), (parts.hostname or "").lower()
    try:
        port = parts.port
    except ValueError:
        return url
    host = f"[{host}]" if ":" in host else host
    shown = "" if port in (None, {"http": 80, "https": 443}.get(scheme)) else f":{port}"
    return f"{scheme}://{host}{shown}{parts.path.rstrip('/')}"


def _load() -> Mapping[str, Credential]:
    file = path()
    try:
        if file.stat().st_mode & 0o077:
            raise InvalidSetting(f"{file}: others can read it; make it 0600, or log in again")
        return msgspec.json.decode(file.read_bytes(), type=_File).hubs
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidSetting(f"{file}: cannot be read ({error}); remove it") from error


def _save(hubs: dict[str, Any]) -> Path:
    """Replace the file at once: it is never there half, nor readable by others."""
    file = path()
    draft = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(handle, "wb") as out:
                out.write(msgspec.json.format(msgspec.json.encode(_File(hubs)), indent=2) + b"\n")
            draft.replace(file)
        except OSError:
            draft.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise InvalidSetting(f"{file}: cannot be written ({error})") from error
    return file
