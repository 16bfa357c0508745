"""`protocolsettings` and `sinkcredential` (subscriptions/spec.md 3.2.2 and 3.2.3)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, cast
from urllib.parse import urlsplit

from chappe.domain.errors import Malformed
from chappe.domain.options import (
    AmqpSettings,
    KafkaSettings,
    MqttSettings,
    NatsSettings,
    Option,
    PullSettings,
)
from chappe.domain.subject import Subject
from chappe.domain.subscription import Credential, HttpSettings, ProtocolSettings
from chappe.formats.fields import Fields, kind_of, shortened
from chappe.formats.options_json import read_option, rendered_option
from chappe.formats.times import is_rfc3339

_MAX_HEADERS: Final = 64
_MAX_HEADERS_BYTES: Final = 8192
_MAX_SECRET: Final = 16_384
# These frame the message or route it (RFC 9110, 9112), or are the event's own.
_RESERVED: Final = frozenset(
    "host content-length content-type transfer-encoding connection keep-alive proxy-connection"
    " te trailer upgrade expect".split()
)
_RESERVED_PREFIXES: Final = ("ce-", "webhook-")
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(r"(?:[!-~](?:[ \t!-~]*[!-~])?)?")
_SECRET = re.compile(r"[^\x00-\x1f\x7f]+")
_PRINTABLE = re.compile(r"[!-~]{1,4096}")
_BEARER = re.compile(r"[A-Za-z0-9\-._~+/]+=*")  # RFC 6750 2.1


@dataclass(frozen=True, slots=True)
class CredentialDraft:
    """A `sinkcredential` as it was sent; a secret is None when the stored one is to stay."""

    credentialtype: Literal["PLAIN", "ACCESSTOKEN", "REFRESHTOKEN"]
    identifier: str | None
    secret: str | None = field(repr=False)
    expires: str | None = None
    endpoint: str | None = None
    refresh_token: str | None = field(default=None, repr=False)


_OF_PROTOCOL: Final[Mapping[str, type[Option]]] = {
    "KAFKA": KafkaSettings,
    "NATS": NatsSettings,
    "MQTT3": MqttSettings,
    "MQTT5": MqttSettings,
    "AMQP": AmqpSettings,
    "PULL": PullSettings,
}
PROTOCOLS: Final = ("HTTP", *_OF_PROTOCOL)
"""Every protocol that there are settings for."""

# OpenAPI 0.2-WIP of the Subscriptions API spells some names in another way than its text.
_ALIASES: Final = {
    "linkName": "linkname",
    "linkProperties": "linkproperties",
    "senderSettlementMode": "sendersettlementmode",
    "topicName": "topicname",
    "userProperties": "userproperties",
    "partitionKeyExtractor": "partitionkeyextractor",
    "clientId": "clientid",
}


def parse_settings(protocol: str, document: object, path: str) -> ProtocolSettings:
    """The settings of a protocol; their defaults when absent.

    Raises:
        Malformed: a setting breaks its rule, or one that is required is missing.
    """
    kind = _OF_PROTOCOL.get(protocol)
    if kind is None:
        return _http_settings(document, path)
    if isinstance(document, dict):
        document = {_ALIASES.get(name, name): value for name, value in document.items()}
    settings = read_option(kind, {} if document is None else document, path)
    if isinstance(settings, NatsSettings):
        try:
            Subject.parse(settings.subject)
        except Malformed as error:
            raise Malformed(f"{path}/subject: {error.message}") from None
    if protocol == "MQTT3" and isinstance(settings, MqttSettings):
        for name in ("expiry", "userproperties"):
            if getattr(settings, name):
                raise Malformed(f"{path}/{name}: MQTT 3.1.1 has none; MQTT5 has")
    return cast(ProtocolSettings, settings)


def rendered_settings(settings: ProtocolSettings) -> dict[str, object]:
    """`protocolsettings` as they are shown."""
    if isinstance(settings, HttpSettings):
        headers = {"headers": settings.headers} if settings.headers else {}
        return {**headers, "method": settings.method}
    return rendered_option(settings)


def _http_settings(document: object, path: str) -> HttpSettings:
    """`{"headers": {…}, "method": "POST"}`; None when absent.

    Raises:
        Malformed: a header or the method cannot be sent, or is the hub's own to set.
    """
    if document is None:
        return HttpSettings()
    fields = Fields(document, path, known=frozenset({"headers", "method"}))
    method = fields.text("method") or "POST"
    if not _TOKEN.fullmatch(method) or method.upper() in ("CONNECT", "TRACE", "HEAD"):
        raise Malformed(f"{path}/method: {shortened(method)} is no method that can carry an event")
    headers: dict[str, str] = {}
    seen: set[str] = set()
    for name, value in fields.object_of_any("headers").items():
        at = f"{path}/headers/{name}"
        lower = name.lower()
        if not _TOKEN.fullmatch(name):
            raise Malformed(f"{path}/headers: {shortened(name)} is no header name (RFC 9110 5.1)")
        if lower in _RESERVED or lower.startswith(_RESERVED_PREFIXES):
            raise Malformed(f"{at}: the hub sets this header itself")
        if lower in seen:
            raise Malformed(f"{at}: stands there twice; the case of a header name means nothing")
        if not isinstance(value, str):
            raise Malformed(f"{at}: {kind_of(value)} was sent, a string is needed")
        if not _VALUE.fullmatch(value):
            # The value is not shown: an API key is a usual one.
            raise Malformed(f"{at}: a header's value is printable ASCII without spaces at its ends")
        seen.add(lower)
        headers[name] = value
    size = sum(len(name) + len(value) + 4 for name, value in headers.items())
    if len(headers) > _MAX_HEADERS or size > _MAX_HEADERS_BYTES:
        raise Malformed(
            f"{path}/headers: {len(headers)} headers of {size} bytes; at most {_MAX_HEADERS}"
            f" and {_MAX_HEADERS_BYTES} bytes are possible"
        )
    return HttpSettings(headers, method)


def parse_credential(document: object, path: str) -> CredentialDraft | None:
    """`{"credentialtype": "PLAIN" | "ACCESSTOKEN" | "REFRESHTOKEN", …}`; None when absent.

    Raises:
        Malformed: a field breaks a rule, or the type is not served. The message holds no secret.
    """
    if document is None:
        return None
    if not isinstance(document, dict):
        raise Malformed(f"{path}: {kind_of(document)} was sent, an object is needed")
    match document.get("credentialtype"):
        case "PLAIN":
            known = frozenset({"credentialtype", "identifier", "secret"})
            fields = Fields(document, path, known=known)
            identifier = fields.need_text("identifier")
            if ":" in identifier or not _SECRET.fullmatch(identifier):
                # RFC 7617 2: the first colon ends the user's name.
                raise Malformed(f"{path}/identifier: no colon and no control character is possible")
            return CredentialDraft("PLAIN", identifier, _secret(fields, "secret"))
        case "ACCESSTOKEN":
            known = frozenset(
                {"credentialtype", "accesstoken", "accesstokentype", "accesstokenexpiresutc"}
            )
            fields = Fields(document, path, known=known)
            return CredentialDraft("ACCESSTOKEN", None, *_access_token(fields, path))
        case "REFRESHTOKEN":
            known = frozenset(
                {
                    "credentialtype",
                    "accesstoken",
                    "accesstokentype",
                    "accesstokenexpiresutc",
                    "refreshtoken",
                    "refreshtokenendpoint",
                }
            )
            fields = Fields(document, path, known=known)
            return CredentialDraft(
                "REFRESHTOKEN",
                None,
                *_access_token(fields, path),
                endpoint=_endpoint(fields, "refreshtokenendpoint"),
                refresh_token=_secret(fields, "refreshtoken"),
            )
        case None:
            raise Malformed(f"{path}/credentialtype: is missing and is required")
        case other:
            raise Malformed(
                f"{path}/credentialtype: {shortened(other)} is unknown;"
                " served: PLAIN, ACCESSTOKEN, REFRESHTOKEN"
            )


def rendered_credential(credential: Credential) -> dict[str, object]:
    """A credential as it is shown: without its secrets."""
    shown: dict[str, object] = {"credentialtype": credential.credentialtype}
    if credential.identifier is not None:
        shown["identifier"] = credential.identifier
    if credential.credentialtype in ("ACCESSTOKEN", "REFRESHTOKEN"):
        shown["accesstokentype"] = "bearer"
        if credential.expires is not None:
            shown["accesstokenexpiresutc"] = credential.expires
    if credential.endpoint is not None:
        shown["refreshtokenendpoint"] = credential.endpoint
    return shown


def _access_token(fields: Fields, path: str) -> tuple[str | None, str | None]:
    """The token, and when it expires."""
    kind = fields.text("accesstokentype") or "bearer"
    if kind.lower() != "bearer":  # RFC 6749 5.1: the value is case-insensitive
        raise Malformed(f"{path}/accesstokentype: {shortened(kind)} is not served; served: bearer")
    expires = _instant(fields, "accesstokenexpiresutc")
    token = _secret(fields, "accesstoken")
    if token is not None and not _BEARER.fullmatch(token):
        raise Malformed(
            f"{path}/accesstoken: a character is not allowed in a bearer token (RFC 6750)"
        )
    return token, expires


def _endpoint(fields: Fields, name: str) -> str:
    """An http or https URL without user and fragment (RFC 6749 3.2)."""
    text = fields.need_text(name)
    try:
        url = urlsplit(text)
        right = (
            url.scheme in ("http", "https")
            and bool(url.hostname)
            and url.port != 0
            and not url.fragment
            and "@" not in url.netloc
        )
    except ValueError:
        right = False
    if not right or not _PRINTABLE.fullmatch(text):
        raise Malformed(
            f"{fields.path(name)}: {shortened(text)} is no http or https URL without user and fragment"
        )
    return text


def _secret(fields: Fields, name: str) -> str | None:
    value = fields.text(name, secret=True)
    if value is not None and (len(value) > _MAX_SECRET or not _SECRET.fullmatch(value)):
        raise Malformed(
            f"{fields.path(name)}: at most {_MAX_SECRET} characters, and no control characters"
        )
    return value


def _instant(fields: Fields, name: str) -> str | None:
    value = fields.text(name)
    if value is not None and not is_rfc3339(value):
        raise Malformed(f"{fields.path(name)}: {shortened(value)} is no RFC 3339 timestamp")
    return value
