"""What a subscription says about its HTTP requests, checked and encoded once; pure.

    sink https://example.com/hook?x=1, credential ACCESSTOKEN ->
        Head(Origin(True, "example.com", 443),
             b"POST /hook?x=1 HTTP/1.1 | host: example.com | ... | authorization: Bearer ... |")

where each | is a line's end. The headers of the single event are put behind it by `http`.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import quote, quote_plus, urlsplit

from chappe import __version__
from chappe.adapters.sinks.http_answers import EXCERPT_BYTES, LEAST_SECRET_BYTES
from chappe.adapters.sinks.http_pool import Origin
from chappe.adapters.sinks.http_replies import MOST_BYTES
from chappe.domain.errors import Malformed
from chappe.domain.options import Tls
from chappe.domain.subscription import Credential, HttpSettings, Subscription
from chappe.domain.trace_context import TraceContext
from chappe.formats.times import unix_ms
from chappe.formats.webhook_signatures import Signer, signer

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")
_HOST = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_.])?|[0-9a-f:.]*:[0-9a-f:.]*")

_OURS = frozenset(
    {
        "connection",
        "content-length",
        "content-type",
        "expect",
        "host",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""Headers that the event or the connection decides; a subscription's are left out, as are all that
begin with `ce-` or `webhook-`."""

_OUR_PREFIXES = ("ce-", "webhook-")

_NO_PAYLOAD = frozenset({"CONNECT", "HEAD", "TRACE"})
_PATH_SAFE = "/%!$&'()*+,;=:@~-._"
_QUERY_SAFE = _PATH_SAFE + "?"


class BadSubscription(Exception):
    """No request can be made of it; the text names the setting, the value and the rule."""


def permission_request(
    subscription: Subscription, *, origin: str, callback: str, rate: int | None
) -> tuple[Origin, bytes]:
    """The validation request (webhook spec 4.1), to the exact URL of the sink.

    Neither the credential nor the subscription's own headers go with it: who has not agreed yet
    may be anybody.

    Raises:
        BadSubscription: the sink is no URL.
    """
    where, target = _sink(subscription.sink, subscription.options.tls)
    lines = [
        f"OPTIONS {target} HTTP/1.1",
        f"host: {_host_header(where)}",
        f"user-agent: chappe/{__version__}",
        f"webhook-request-origin: {origin}",
        f"webhook-request-callback: {callback}",
    ]
    if rate is not None:
        lines.append(f"webhook-request-rate: {rate}")
    return where, "\r\n".join([*lines, "", ""]).encode()


class Head(NamedTuple):
    """Where to, the request line with the headers that are the same for every event, and what signs.

    All but the first of `signers` sign until `overlap_until_ms` (Unix; None: for ever). `renews`: the
    credential is a token that changes, and is not among the lines. `secrets` are what of these lines
    nobody may read, in the forms in which a sink may send it back. Of an answer's body `keep_bytes`
    are of use.
    """

    origin: Origin
    lines: bytes
    signers: Sequence[Signer] = ()
    overlap_until_ms: int | None = None
    renews: bool = False
    secrets: tuple[bytes, ...] = ()
    keep_bytes: int = EXCERPT_BYTES

    def signers_at(self, now_s: float) -> Sequence[Signer]:
        """What signs a request that leaves then."""
        until_ms = self.overlap_until_ms
        return self.signers if until_ms is None or now_s * 1000 < until_ms else self.signers[:1]


def head_of(subscription: Subscription, hub: str = "") -> Head:
    """Encode what does not change from event to event; `hub` is its name to those who agreed.

    Raises:
        BadSubscription: sink, method, headers or credential cannot be put into a request.
    """
    origin, target = _sink(subscription.sink, subscription.options.tls)
    settings = subscription.settings
    if not isinstance(settings, HttpSettings):
        raise BadSubscription(f"protocol: {subscription.protocol!r} is not HTTP")
    method = settings.method.upper()
    if not _TOKEN.fullmatch(method) or method in _NO_PAYLOAD:
        raise BadSubscription(
            f"protocolsettings.method: {method!r} is no HTTP method that carries a payload"
        )
    headers = {"host": _host_header(origin), "user-agent": f"chappe/{__version__}"}
    for name, value in settings.headers.items():
        _check("protocolsettings.headers", name, value)
        lowered = name.lower()
        if lowered not in _OURS and not lowered.startswith(_OUR_PREFIXES):
            headers[lowered] = value
    if subscription.grant is not None and hub:
        headers["webhook-request-origin"] = hub  # webhook spec 4.1.2
    credential = subscription.credential
    renews = credential is not None and credential.credentialtype == "REFRESHTOKEN"
    if credential is not None and not renews:
        headers["authorization"] = _authorization(credential)
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {v}" for name, v in headers.items()), ""]
    encoded = "\r\n".join(lines).encode()
    head = Head(origin, encoded, renews=renews, secrets=() if renews else secrets_of(credential))
    if subscription.options.replies is not None:
        head = head._replace(keep_bytes=MOST_BYTES + 1)
    signing = subscription.options.signing
    if signing is None:
        return head
    try:
        signers = [signer(key, "signing/secrets") for key in signing.secrets]
    except Malformed as exc:
        raise BadSubscription(exc.message) from exc
    until = signing.overlap_until
    return head._replace(
        signers=signers, overlap_until_ms=None if until is None else unix_ms(until)
    )


def _sink(sink: str, tls: Tls | None) -> tuple[Origin, str]:
    """`https://example.com:8443/a b` -> (Origin(True, "example.com", 8443), "/a%20b")."""
    try:
        url = urlsplit(sink)
        port = url.port
        host = (url.hostname or "").lower()
        if not host.isascii():
            host = host.encode("idna").decode("ascii")
    except ValueError as exc:  # UnicodeError is one
        raise BadSubscription(f"sink: {sink!r} is no URL: {exc}") from exc
    if url.scheme not in ("http", "https"):
        raise BadSubscription(f"sink: {sink!r} must begin with http:// or https://")
    if url.username is not None:
        raise BadSubscription("sink: a URL must not hold a user name; use sinkcredential")
    if not _HOST.fullmatch(host):
        raise BadSubscription(f"sink: {sink!r} has no valid host name")
    secure = url.scheme == "https"
    if tls is not None and not secure:
        # Sent in the clear, it would go to whoever answers, who never shows a certificate.
        raise BadSubscription(f"tls: the sink {sink!r} must begin with https://")
    target = quote(url.path or "/", safe=_PATH_SAFE)
    if url.query:
        target += "?" + quote(url.query, safe=_QUERY_SAFE)
    return Origin(secure, host, port or (443 if secure else 80), tls), target


def bearer(token: str) -> bytes:
    """The header line of a token that was just obtained.

    Raises:
        BadSubscription: it would break the line.
    """
    _check("sinkcredential", "accesstoken", token)
    return f"authorization: Bearer {token}\r\n".encode()


def trace_lines(trace: TraceContext) -> bytes:
    """The header lines of the attempt's span (W3C Trace Context 3.2, 3.3)."""
    state = f"tracestate: {trace.state}\r\n" if trace.state else ""
    return f"traceparent: {trace.header}\r\n{state}".encode()


def form_request(url: str, form: bytes) -> tuple[Origin, bytes]:
    """A POST of form fields, for an endpoint that is no sink.

    Raises:
        BadSubscription: the URL is none.
    """
    origin, target = _sink(url, None)
    lines = (
        f"POST {target} HTTP/1.1",
        f"host: {_host_header(origin)}",
        f"user-agent: chappe/{__version__}",
        "accept: application/json",
        "content-type: application/x-www-form-urlencoded",
        f"content-length: {len(form)}",
        "",
        "",
    )
    return origin, "\r\n".join(lines).encode() + form


def _host_header(origin: Origin) -> str:
    """With the port unless it is the scheme's own, an IPv6 address in brackets (RFC 9110 7.2)."""
    usual = origin.port == (443 if origin.secure else 80)
    return origin.authority.removesuffix(f":{origin.port}") if usual else origin.authority


def _authorization(credential: Credential) -> str:
    match credential.credentialtype.upper():
        case "ACCESSTOKEN":
            _check("sinkcredential", "accesstoken", credential.secret)
            return f"Bearer {credential.secret}"
        case "PLAIN":
            pair = f"{credential.identifier or ''}:{credential.secret}".encode()
            return f"Basic {base64.b64encode(pair).decode('ascii')}"
        case other:
            raise BadSubscription(
                f"sinkcredential.credentialtype: {other!r} is unknown; known: ACCESSTOKEN, PLAIN"
            )


def secrets_of(credential: Credential | None) -> tuple[bytes, ...]:
    """What of a credential nobody may read, in every form in which it may come back."""
    if credential is None or not credential.secret:
        return ()
    return forms_of(credential.secret, _authorization(credential).partition(" ")[2])


def forms_of(*secrets: str) -> tuple[bytes, ...]:
    """Longest first: as they are, and as URLs, forms and JSON write them."""
    forms = {
        form
        for one in secrets
        for form in (one, quote(one, safe=""), quote_plus(one), _json_string(one))
    }
    encoded = [form.encode() for form in forms]
    return tuple(
        sorted((one for one in encoded if len(one) >= LEAST_SECRET_BYTES), key=len, reverse=True)
    )


def _json_string(text: str) -> str:
    """The text as it stands between the quotation marks of a JSON string."""
    return json.dumps(text)[1:-1].replace("/", "\\/")


def _check(where: str, name: str, value: str) -> None:
    """No line break gets into a request: it could forge headers, or a whole second request."""
    if not _TOKEN.fullmatch(name):
        raise BadSubscription(f"{where}: {name!r} is no header name")
    if not _VALUE.fullmatch(value):
        # The value is not shown: it may be a key.
        raise BadSubscription(f"{where}.{name}: the value holds control characters")
