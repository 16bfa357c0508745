"""How a client proves who it is: an endpoint's `authorization`, and AsyncAPI's security schemes.

Neither holds a secret: the one says which kind is needed, and so does the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from chappe.formats.asyncapi.values import given, is_absolute, members, text

_SCRAM: Final = {"SCRAM-SHA-256": "scramSha256", "SCRAM-SHA-512": "scramSha512"}
_MECHANISMS: Final = {
    "plain": "PLAIN", "gssapi": "GSSAPI", **{name: one for one, name in _SCRAM.items()},
}  # fmt: skip


def scheme_of(
    authorization: Mapping[str, Any], options: Mapping[str, Any], *, over_http: bool
) -> dict[str, Any] | None:
    """The security scheme of one way to gain access; None where AsyncAPI has none like it."""
    uri = authorization.get("authorityuri")
    match str(authorization.get("type", "")).lower():
        case "oauth2" if is_absolute(uri):
            flow: dict[str, Any] = {"tokenUrl": uri, "availableScopes": {}}
            return {"type": "oauth2", "flows": {"clientCredentials": flow}}
        case "openidconnect" if is_absolute(uri):
            return {"type": "openIdConnect", "openIdConnectUrl": uri}
        case "oauth2" | "openidconnect" | "bearer":
            return {"type": "http", "scheme": "bearer"}
        case "plain":
            return {"type": "http", "scheme": "basic"} if over_http else {"type": "userPassword"}
        case "sasl":
            return sasl_scheme(text(authorization.get("mechanism")) or "PLAIN")
        case "x509cert":
            return {"type": "X509"}
        case "apikey" if over_http:
            where = options.get("apikeyin")
            return {
                "type": "httpApiKey",
                "name": text(options.get("apikeyname")) or "Authorization",
                "in": "query" if where == "query" else "header",
            }
        case "apikey":
            return {"type": "apiKey", "in": "user"}
        case _:
            return None


def sasl_scheme(mechanism: str) -> dict[str, Any]:
    """The scheme of a mechanism of SASL; those that AsyncAPI does not know are a user's password."""
    name = mechanism.upper()
    if name in ("PLAIN", "GSSAPI"):
        return {"type": name.lower()}
    return {"type": _SCRAM[name]} if name in _SCRAM else {"type": "userPassword"}


def mechanism_of(scheme: Mapping[str, Any]) -> str | None:
    """The mechanism of SASL that a scheme means, if it means one."""
    return _MECHANISMS.get(str(scheme.get("type", "")))


def authorization_of(scheme: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """The `authorization` of a security scheme, and what goes into the protocol's options with it."""
    kind = str(scheme.get("type", ""))
    match kind:
        case "oauth2":
            flows = [members(one) for one in members(scheme.get("flows")).values()]
            uris = (one.get(name) for one in flows for name in ("tokenUrl", "authorizationUrl"))
            return {
                "type": "OAuth2",
                **given(authorityuri=next(filter(is_absolute, uris), None)),
            }, {}
        case "openIdConnect":
            uri = scheme.get("openIdConnectUrl")
            known = given(authorityuri=uri if is_absolute(uri) else None)
            return {"type": "OpenIDConnect", **known}, {}
        case "http" if str(scheme.get("scheme", "")).lower() == "basic":
            return {"type": "Plain"}, {}
        case "http":
            return {"type": "Bearer"}, {}
        case "userPassword":
            return {"type": "Plain"}, {}
        case "X509":
            return {"type": "X509Cert"}, {}
        case "httpApiKey":
            where = "query" if scheme.get("in") == "query" else "header"
            return {"type": "APIKey"}, given(apikeyname=text(scheme.get("name")), apikeyin=where)
        case "apiKey":
            return {"type": "APIKey"}, {}
        case _ if kind in _MECHANISMS:
            return {"type": "SASL", "mechanism": _MECHANISMS[kind]}, {}
        case _:
            return None


def name_of(scheme: Mapping[str, Any]) -> str:
    """What a scheme is called in a document, before others of the name are told apart."""
    kind = str(scheme["type"])
    return f"http-{scheme['scheme']}" if kind == "http" else kind
