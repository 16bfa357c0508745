"""Whether a webhook comes from who knows the secret: seen before anything is read or stored.

Signatures are of the body as it came, byte for byte; they are compared in constant time, each with
those of all secrets. No message holds a secret or what the signature should be.

    github    X-Hub-Signature-256: sha256=HEX                      gitlab   X-Gitlab-Token: SECRET
    stripe    Stripe-Signature: t=SECONDS,v1=HEX                   shopify  X-Shopify-Hmac-Sha256: BASE64
    slack     X-Slack-Signature: v0=HEX, X-Slack-Request-Timestamp: SECONDS
    standard  webhook-id, webhook-timestamp, webhook-signature     basic, bearer: Authorization
    hmac      as the source says: header, algorithm, encoding, prefix, timestamp
    token     the secret itself, in a header field
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from chappe.domain.errors import Malformed, Unauthenticated
from chappe.domain.webhook_source import (
    BODY,
    TIMESTAMP,
    Scheme,
    Verification,
    WebhookSource,
    scheme_of,
)
from chappe.formats import webhook_signatures

_PRESETS: Final[Mapping[str, Verification]] = {
    "github": Verification(header="x-hub-signature-256", prefix="sha256="),
    "shopify": Verification(header="x-shopify-hmac-sha256", encoding="base64"),
    "slack": Verification(
        header="x-slack-signature",
        prefix="v0=",
        signed="v0:{timestamp}:{body}",
        timestampheader="x-slack-request-timestamp",
    ),
}
_BASIC: Final = 'Basic realm="chappe"'
_SIZES: Final = {"sha256": 32, "sha512": 64, "sha1": 20}
_OF_HMAC: Final = ("header", "prefix", "timestampheader")
_MOST_DIGITS: Final = 12


def check_verification(settings: WebhookSource, verification: Verification | None) -> None:
    """See that a source says how its webhooks are verified, and says nothing in vain.

    Raises:
        Malformed: a rule is broken; no message holds a secret.
    """
    if verification is None:
        raise Malformed(
            "verification: is missing and is required: who may post? (scheme none: anybody)"
        )
    scheme = scheme_of(settings, verification)
    if scheme is None:
        raise Malformed(
            f"verification/scheme: is missing and is required: {settings.provider!r} has none of its"
            " own"
        )
    for name in _OF_HMAC:
        fits = scheme == "hmac" or (scheme == "token" and name == "header")
        if getattr(verification, name) is not None and not fits:
            raise Malformed(f"verification/{name}: is not for the scheme {scheme!r}")
    if scheme in ("hmac", "token") and verification.header is None:
        raise Malformed(f"verification/header: is missing and is required with {scheme!r}")
    if (scheme == "basic") != (verification.user is not None):
        rule = "is missing and is required with" if scheme == "basic" else "is not for the scheme"
        raise Malformed(f"verification/user: {rule} {scheme!r}")
    if scheme == "hmac":
        _check_signed(verification)
    if scheme == "standard":
        for index, secret in enumerate(verification.secrets):
            _check_key(secret, f"verification/secrets/{index}")


def needs_secrets(settings: WebhookSource, verification: Verification) -> bool:
    """Whether the proof rests on something that both know."""
    return scheme_of(settings, verification) != "none"


def verify(
    settings: WebhookSource,
    verification: Verification,
    headers: Mapping[str, str],
    body: bytes,
    *,
    now_s: float,
) -> None:
    """Go on only with a webhook of somebody who knows a secret.

    Raises:
        Unauthenticated: it is not, or not any more; the message says which rule is broken.
    """
    scheme: Scheme | None = scheme_of(settings, verification)
    secrets = verification.secrets
    match scheme:
        case "none":
            return
        case "github" | "shopify" | "slack":
            preset = replace(
                _PRESETS[scheme], secrets=secrets, tolerance_s=verification.tolerance_s
            )
            _verify_hmac(preset, headers, body, now_s)
        case "hmac":
            _verify_hmac(verification, headers, body, now_s)
        case "stripe":
            _verify_stripe(verification, headers, body, now_s)
        case "standard":
            _verify_standard(verification, headers, body, now_s)
        case "gitlab":
            _verify_token(secrets, _needed(headers, "x-gitlab-token"), "X-Gitlab-Token")
        case "token":
            name = verification.header or ""
            _verify_token(secrets, _needed(headers, name.lower()), name)
        case "bearer":
            _verify_token(secrets, _credentials(headers, "bearer"), "Authorization")
        case "basic":
            _verify_basic(verification, headers)
        case None:
            raise Unauthenticated("verification: this source says of no proof; nothing is taken")


def _verify_hmac(how: Verification, headers: Mapping[str, str], body: bytes, now_s: float) -> None:
    name = how.header or ""
    sent = _needed(headers, name.lower())
    if how.prefix is not None:
        if not sent.startswith(how.prefix):
            raise Unauthenticated(f"{name}: does not begin with {how.prefix!r}")
        sent = sent[len(how.prefix) :]
    given = _decoded(sent, how.encoding, name, _SIZES[how.algorithm])
    timestamp = ""
    if how.timestampheader is not None:
        timestamp = _needed(headers, how.timestampheader.lower())
        _check_time(timestamp, how.timestampheader, now_s, how.tolerance_s)
    before, _, after = how.signed.partition(BODY)
    content = b"%b%b%b" % (
        before.replace(TIMESTAMP, timestamp).encode(),
        body,
        after.replace(TIMESTAMP, timestamp).encode(),
    )
    _expect([given], _digests(how.secrets, content, how.algorithm), name, len(body))


def _verify_stripe(
    how: Verification, headers: Mapping[str, str], body: bytes, now_s: float
) -> None:
    name = "Stripe-Signature"
    pairs = [part.strip().partition("=") for part in _needed(headers, name.lower()).split(",")]
    timestamp = next((value for key, _, value in pairs if key == "t"), "")
    _check_time(timestamp, f"{name} t", now_s, how.tolerance_s)
    given = [_decoded(value, "hex", name, 32) for key, _, value in pairs[:20] if key == "v1"]
    content = b"%b.%b" % (timestamp.encode(), body)
    _expect(given, _digests(how.secrets, content, "sha256"), name, len(body))


def _verify_standard(
    how: Verification, headers: Mapping[str, str], body: bytes, now_s: float
) -> None:
    try:
        webhook_signatures.verify(
            how.secrets,
            message_id=headers.get("webhook-id", ""),
            timestamp=headers.get("webhook-timestamp", "")[:40],
            signature=headers.get("webhook-signature", ""),
            body=body,
            now_s=now_s,
            tolerance_s=how.tolerance_s,
        )
    except Malformed as error:
        raise Unauthenticated(error.message) from error


def _verify_token(secrets: Sequence[str], given: str, name: str) -> None:
    # As hashes, so that not even the length of a secret shows in the time.
    expected = [hashlib.sha256(secret.encode()).digest() for secret in secrets]
    if not _is_any([hashlib.sha256(given.encode("utf-8", "replace")).digest()], expected):
        raise Unauthenticated(f"{name}: is none of the tokens that this source knows")


def _verify_basic(how: Verification, headers: Mapping[str, str]) -> None:
    try:
        given = base64.b64decode(_credentials(headers, "basic"), validate=True)
    except binascii.Error:
        raise Unauthenticated("Authorization: not Base64 behind Basic", challenge=_BASIC) from None
    sent = hashlib.sha256(given).digest()
    expected = [hashlib.sha256(f"{how.user}:{one}".encode()).digest() for one in how.secrets]
    if not _is_any([sent], expected):
        raise Unauthenticated(
            "Authorization: user and password are none that this source knows", challenge=_BASIC
        )


def _credentials(headers: Mapping[str, str], scheme: str) -> str:
    kind, _, rest = headers.get("authorization", "").partition(" ")
    if kind.lower() != scheme or not rest.strip():
        challenge = _BASIC if scheme == "basic" else None
        raise Unauthenticated(
            f"Authorization: is missing, or not of the form '{scheme.title()} …'",
            challenge=challenge,
        )
    return rest.strip()


def _needed(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name, "")
    if not value:
        raise Unauthenticated(f"{name}: the header field is missing; this source needs it as proof")
    return value


def _decoded(text: str, encoding: str, name: str, size: int) -> bytes:
    try:
        raw = bytes.fromhex(text) if encoding == "hex" else base64.b64decode(text, validate=True)
    except ValueError:
        raise Unauthenticated(f"{name}: the signature is no {encoding}") from None
    if len(raw) != size:
        raise Unauthenticated(f"{name}: the signature has {len(raw)} bytes; {size} are needed")
    return raw


def _digests(secrets: Sequence[str], content: bytes, algorithm: str) -> list[bytes]:
    return [hmac.digest(secret.encode(), content, algorithm) for secret in secrets]


def _expect(given: Sequence[bytes], expected: Sequence[bytes], name: str, size: int) -> None:
    if not given:
        raise Unauthenticated(f"{name}: holds no signature")
    if not _is_any(given, expected):
        raise Unauthenticated(
            f"{name}: the signature is not that of this body of {size} bytes with a secret of this"
            " source"
        )


def _is_any(given: Iterable[bytes], expected: Sequence[bytes]) -> bool:
    # All are compared: which one fits, and how soon, must not show in the time.
    fits = [hmac.compare_digest(one, right) for one in given for right in expected]
    return any(fits)


def _check_time(timestamp: str, name: str, now_s: float, tolerance_s: float) -> None:
    is_number = timestamp.isascii() and timestamp.isdigit()
    if not is_number or len(timestamp) > _MOST_DIGITS:
        raise Unauthenticated(f"{name}: {timestamp[:40]!r} is no number of seconds since 1970")
    away_s = now_s - int(timestamp)
    if abs(away_s) > tolerance_s:
        where = "in the past" if away_s > 0 else "in the future"
        raise Unauthenticated(
            f"{name}: {timestamp} is {abs(away_s):.0f} s {where}; at most {tolerance_s:g} s are"
            " accepted"
        )


def _check_signed(how: Verification) -> None:
    if how.signed.count(BODY) != 1:
        raise Malformed(f"verification/signed: {how.signed!r} must hold {BODY} once")
    if (TIMESTAMP in how.signed) != (how.timestampheader is not None):
        raise Malformed(
            f"verification/signed: {TIMESTAMP} and verification/timestampheader go together"
        )


def _check_key(secret: str, path: str) -> None:
    kind = secret.partition("_")[0]
    if kind not in ("whsec", "whpk"):
        raise Malformed(f"{path}: begins with neither 'whsec_' nor 'whpk_'")
    webhook_signatures.check_key(secret, path)
