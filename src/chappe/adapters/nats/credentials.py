"""Signing in to NATS: what the CONNECT line says about who the hub is.

A credentials file holds a JWT, and the seed of the key that the JWT names; the server sends a nonce
and wants it signed by that key (NATS 2 decentralised authentication).
"""

from __future__ import annotations

import base64
import binascii
import re
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chappe.adapters.nats.messages import NatsAddress
from chappe.domain.errors import InvalidSetting

_SECTION = re.compile(r"-{3,}BEGIN ([A-Z ]+)-{3,}\s*(\S+)\s*-{3,}END")


def sign_in(address: NatsAddress, nonce: str) -> dict[str, str]:
    """The members of CONNECT that say who it is; empty for an anonymous hub.

    Raises:
        InvalidSetting: the credentials file cannot be read or is none.
    """
    if address.creds is not None:
        jwt, key = _read(address.creds)
        signature = base64.urlsafe_b64encode(key.sign(nonce.encode())).rstrip(b"=").decode()
        return {"jwt": jwt, "sig": signature}
    if address.token is not None:
        return {"auth_token": address.token}
    if address.user is not None:
        return {"user": address.user, "pass": address.password or ""}
    return {}


def _read(path: Path) -> tuple[str, Ed25519PrivateKey]:
    try:
        sections = dict(_SECTION.findall(path.read_text()))
    except (OSError, UnicodeDecodeError) as problem:
        raise InvalidSetting(f"NATS credentials {str(path)!r}: cannot be read: {problem}") from None
    jwt, seed = sections.get("NATS USER JWT"), sections.get("USER NKEY SEED")
    if jwt is None or seed is None:
        raise InvalidSetting(
            f"NATS credentials {str(path)!r}: must hold a NATS USER JWT and a USER NKEY SEED"
        )
    return jwt, _key(seed, path)


def _key(seed: str, path: Path) -> Ed25519PrivateKey:
    """`"SU" + base32`: two prefix bytes, 32 bytes of seed, a CRC-16 of all before it."""
    try:
        raw = base64.b32decode(seed + "=" * (-len(seed) % 8))
    except binascii.Error:
        raw = b""
    if len(raw) != 36 or binascii.crc_hqx(raw[:34], 0) != int.from_bytes(raw[34:], "little"):
        raise InvalidSetting(f"NATS credentials {str(path)!r}: the seed is damaged")
    return Ed25519PrivateKey.from_private_bytes(raw[2:34])
