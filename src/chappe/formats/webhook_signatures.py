"""Signatures of the Standard Webhooks specification: symmetric (v1) and asymmetric (v1a).

    webhook-id: msg_2d…                  signed: b"msg_2d….1790000000." + body
    webhook-timestamp: 1790000000
    webhook-signature: v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4= v1a,hnO3f9T8…

A key's text says what it is: `whsec_` a secret of 24 to 64 bytes (HMAC-SHA256), `whsk_` an ed25519
private key, `whpk_` a public one, each with Base64 behind it. What is signed is the body: in binary
mode the event's attributes are header fields and stand outside of it.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Final, TypeAlias

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from chappe.domain.errors import Malformed

TOLERANCE_S: Final = 300
"""How far a timestamp may be from now: what is older may be a repetition by somebody else."""

_LEAST, _MOST = 24, 64
_SEED: Final = 32

Signer: TypeAlias = Callable[[bytes], str]
"""b"id.timestamp.body" -> one signature, such as "v1,K5oZ…"."""


def signer(key: str, path: str) -> Signer:
    """What signs with the key.

    Raises:
        Malformed: the text is no secret and no private key; the message does not show it.
    """
    kind, _, encoded = key.partition("_")
    match kind:
        case "whsec":
            secret = _decoded(encoded, path)
            if not _LEAST <= len(secret) <= _MOST:
                raise Malformed(
                    f"{path}: a secret of {len(secret)} bytes; {_LEAST} to {_MOST} are possible"
                )
            return lambda content: f"v1,{_b64(hmac.digest(secret, content, sha256))}"
        case "whsk":
            private = _private(encoded, path)
            return lambda content: f"v1a,{_b64(private.sign(content))}"
        case _:
            raise Malformed(f"{path}: a key begins with 'whsec_' or 'whsk_', and is Base64 then")


def signatures(signers: Sequence[Signer], message_id: str, timestamp: int, body: bytes) -> str:
    """The value of `webhook-signature`: one signature for each key."""
    content = b"%b.%d.%b" % (message_id.encode(), timestamp, body)
    return " ".join(sign(content) for sign in signers)


def verify(
    keys: Sequence[str],
    *,
    message_id: str,
    timestamp: str,
    signature: str,
    body: bytes,
    now_s: float,
    tolerance_s: float = TOLERANCE_S,
) -> str:
    """Which version of signature fits one of the keys (`whsec_`, `whpk_`, `whsk_`): "v1" or "v1a".

    Raises:
        Malformed: a key is none, or the message is not signed by any of them, or too long ago; the
            message says which, and shows no key.
    """
    if not message_id:
        raise Malformed("webhook-id: is missing")
    if not (timestamp.isascii() and timestamp.isdigit()):
        raise Malformed(f"webhook-timestamp: {timestamp[:40]!r} is no number of seconds")
    away_s = now_s - int(timestamp)
    if abs(away_s) > tolerance_s:
        where = "in the past" if away_s > 0 else "in the future"
        raise Malformed(
            f"webhook-timestamp: {timestamp} is {abs(away_s):.0f} s {where};"
            f" at most {tolerance_s:.0f} s are accepted"
        )
    content = b"%b.%b.%b" % (message_id.encode(), timestamp.encode(), body)
    given = [part.partition(",") for part in signature.split()]
    if not given:
        raise Malformed("webhook-signature: is missing")
    for number, key in enumerate(keys):
        version, fits = _checker(key, f"key {number + 1}", content)
        for name, _, value in given:
            if name == version and fits(value):
                return version
    known = ", ".join(sorted({name for name, _, _ in given}))
    raise Malformed(
        f"webhook-signature: none of the {len(given)} signatures ({known}) is of a given key over"
        f" this id, timestamp and body of {len(body)} bytes"
    )


def check_key(key: str, path: str) -> None:
    """See that the text is a key that signatures can be verified with.

    Raises:
        Malformed: it is none; the message does not show it.
    """
    if key.startswith("whpk_"):
        _checker(key, path, b"")
    else:
        signer(key, path)


def new_secret() -> str:
    """A random secret for HMAC."""
    return f"whsec_{_b64(secrets.token_bytes(32))}"


def new_key_pair() -> tuple[str, str]:
    """A random ed25519 key and its public part: ("whsk_…", "whpk_…")."""
    private = Ed25519PrivateKey.generate()
    return f"whsk_{_b64(private.private_bytes_raw())}", _public_text(private.public_key())


def public_key(key: str) -> str | None:
    """What a receiver needs of a key: the public part of `whsk_`; None for a secret."""
    kind, _, encoded = key.partition("_")
    return _public_text(_private(encoded, "key").public_key()) if kind == "whsk" else None


def _checker(key: str, path: str, content: bytes) -> tuple[str, Callable[[str], bool]]:
    kind, _, encoded = key.partition("_")
    if kind == "whsec":
        sign = signer(key, path)
        expected = sign(content).partition(",")[2]
        return "v1", lambda value: hmac.compare_digest(expected.encode(), value.encode())
    if kind == "whsk":
        public = _private(encoded, path).public_key()
    elif kind == "whpk":
        raw = _decoded(encoded, path)
        if len(raw) != _SEED:
            raise Malformed(f"{path}: a public key of {len(raw)} bytes; {_SEED} are needed")
        public = Ed25519PublicKey.from_public_bytes(raw)
    else:
        raise Malformed(f"{path}: a key begins with 'whsec_', 'whpk_' or 'whsk_'")

    def fits(value: str) -> bool:
        try:
            public.verify(base64.b64decode(value, validate=True), content)
        except (InvalidSignature, ValueError):
            return False
        return True

    return "v1a", fits


def _private(encoded: str, path: str) -> Ed25519PrivateKey:
    raw = _decoded(encoded, path)
    # Some write the seed alone, some the seed with the public key behind it.
    if len(raw) not in (_SEED, 2 * _SEED):
        raise Malformed(f"{path}: a private key of {len(raw)} bytes; {_SEED} or 64 are needed")
    private = Ed25519PrivateKey.from_private_bytes(raw[:_SEED])
    if len(raw) == 2 * _SEED and private.public_key().public_bytes_raw() != raw[_SEED:]:
        raise Malformed(f"{path}: the public half of the key is not that of its private half")
    return private


def _public_text(key: Ed25519PublicKey) -> str:
    return f"whpk_{_b64(key.public_bytes(Encoding.Raw, PublicFormat.Raw))}"


def _decoded(encoded: str, path: str) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except ValueError:
        raise Malformed(f"{path}: not Base64 behind its prefix") from None


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")
