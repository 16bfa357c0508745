"""JSON Web Tokens of one issuer (RFC 7519, RFC 8725): signature, issuer, audience, times.

Only what the issuer publishes is a key, and only for the algorithm that suits it: a token cannot
choose "none", nor have a public key taken for the secret of an HMAC. What its header says of keys
(jku, jwk, x5c) is not looked at.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from joserfc import jwk, jws
from joserfc.errors import JoseError

ALGORITHMS: Final = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519",
    "EdDSA",
)  # fmt: skip
"""Signatures with a public key; RFC 8725 3.1: an allow-list."""
KEY_TYPES: Final = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}
LEAST_RSA_BITS: Final = 2048
MOST_TOKEN: Final = 16 * 1024
MOST_KEYS: Final = 100

_REGISTRY: Final = jws.JWSRegistry(algorithms=list(ALGORITHMS), strict_check_header=False)


class Untrusted(Exception):
    """The token is not to be believed; the text says why, and holds nothing of the token's secrets."""


class UnknownKey(Untrusted):
    """It may be: it is signed with a key that is not known here."""


@dataclass(frozen=True, slots=True)
class Key:
    """A public key of the issuer."""

    id: str | None
    type: str
    algorithm: str | None
    key: Any


def read_keys(document: bytes) -> Sequence[Key]:
    """The keys of a JWK set (RFC 7517 5) that signatures can be checked with; others are passed over.

    Raises:
        Untrusted: it is no JWK set.
    """
    try:
        sent = msgspec.json.decode(document)["keys"]
    except (msgspec.DecodeError, UnicodeDecodeError, TypeError, KeyError) as error:
        raise Untrusted("what the issuer answers is no JWK set") from error
    if not isinstance(sent, list):
        raise Untrusted("what the issuer answers is no JWK set")
    read = (_key(one) for one in sent[:MOST_KEYS])
    return [one for one in read if one is not None]


def _key(sent: Any) -> Key | None:
    if not isinstance(sent, dict) or sent.get("use", "sig") != "sig":
        return None
    type_, id_ = sent.get("kty"), sent.get("kid")
    if type_ not in KEY_TYPES.values():
        return None  # a symmetric key is no public one
    if type_ == "RSA" and _bits(sent.get("n")) < LEAST_RSA_BITS:
        return None
    public = {name: value for name, value in sent.items() if name in _PUBLIC}
    try:
        key = jwk.import_key(public)
        _ = key.public_key  # the numbers are looked at when they are first needed
    except (JoseError, ValueError, TypeError):
        return None
    algorithm = sent.get("alg")
    return Key(
        id_ if isinstance(id_, str) else None,
        str(type_),
        algorithm if isinstance(algorithm, str) else None,
        key,
    )


def _bits(modulus: object) -> int:
    return len(modulus.rstrip("=")) * 6 // 8 * 8 if isinstance(modulus, str) else 0


_PUBLIC: Final = frozenset({"kty", "n", "e", "crv", "x", "y"})


def check(
    token: str,
    keys: Sequence[Key],
    *,
    issuer: str,
    audiences: frozenset[str],
    now_s: float,
    leeway_s: float,
) -> Mapping[str, Any]:
    """The claims of a token that is to be believed; `now_s` is Unix time.

    Raises:
        UnknownKey: no key is called what the token says.
        Untrusted: anything else is wrong with it.
    """
    if len(token) > MOST_TOKEN:
        raise Untrusted(f"the token is longer than {MOST_TOKEN} bytes")
    algorithm, key = _chosen(_header(token), keys)
    try:
        content = jws.deserialize_compact(
            token, key.key, algorithms=[algorithm], registry=_REGISTRY
        ).payload
    except (JoseError, ValueError, TypeError) as error:
        raise Untrusted("the token's signature is wrong") from error
    claims = _object(content, "claims")
    _check_claims(claims, issuer, audiences, now_s, leeway_s)
    return claims


def _header(token: str) -> Mapping[str, Any]:
    head = token.partition(".")[0]
    try:
        raw = base64.urlsafe_b64decode(head.encode("ascii") + b"=" * (-len(head) % 4))
    except (binascii.Error, ValueError) as error:
        raise Untrusted("the token is no JWT") from error
    return _object(raw, "header")


def _object(raw: bytes, what: str) -> Mapping[str, Any]:
    try:
        found = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Untrusted(f"the token's {what} is no JSON") from error
    if not isinstance(found, dict):
        raise Untrusted(f"the token's {what} is no JSON object")
    return found


def _chosen(header: Mapping[str, Any], keys: Sequence[Key]) -> tuple[str, Key]:
    algorithm, id_ = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise Untrusted(f"the token's alg {str(algorithm)[:20]!r} is not taken; {ALGORITHMS} are")
    if "crit" in header or "b64" in header:
        raise Untrusted("the token's header asks for an extension that is not known (crit)")
    fitting = [
        one
        for one in keys
        if one.type == KEY_TYPES[algorithm[:2]] and one.algorithm in (None, algorithm)
    ]
    if id_ is None:
        if len(fitting) == 1:
            return algorithm, fitting[0]
        raise Untrusted("the token names no key (kid), and the issuer has several or none")
    for one in keys:
        if one.id == id_:
            if one not in fitting:
                raise Untrusted("the token's alg does not suit the key that it names")
            return algorithm, one
    raise UnknownKey("the token is signed with a key that the issuer does not publish")


def _check_claims(
    claims: Mapping[str, Any],
    issuer: str,
    audiences: frozenset[str],
    now_s: float,
    leeway_s: float,
) -> None:
    if claims.get("iss") != issuer:
        raise Untrusted(f"the token is of another issuer than {issuer}")
    aud = claims.get("aud")
    named = (
        {aud} if isinstance(aud, str) else set(map(str, aud)) if isinstance(aud, list) else set()
    )
    if not named & audiences:
        raise Untrusted(f"the token is for another audience (aud) than {', '.join(audiences)}")
    ends_s = _time(claims, "exp")
    if ends_s is None:
        raise Untrusted("the token does not say when it ends (exp)")
    if now_s >= ends_s + leeway_s:
        raise Untrusted("the token has expired (exp)")
    for name in ("nbf", "iat"):
        begins_s = _time(claims, name)
        if begins_s is not None and now_s < begins_s - leeway_s:
            raise Untrusted(f"the token is not valid yet ({name})")
    if not isinstance(claims.get("sub"), str) or not claims["sub"]:
        raise Untrusted("the token does not say who it is about (sub)")


def _time(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e12:
        raise Untrusted(f"the token's {name} is no time")
    return float(value)
