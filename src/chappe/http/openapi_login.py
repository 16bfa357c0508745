"""The paths of logging in, in the published OpenAPI: pages for browsers, and what programs ask."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from chappe.http.openapi_hub_schemas import TEXT, TEXTS, object_of
from chappe.http.openapi_parts import OF_THE_HUB, answer, operation, query
from chappe.http.openapi_schemas import Schema

_HTML: Final = "text/html"
_PAGE: Final = answer("A page.", TEXT, type=_HTML)
_ON: Final[Schema] = {"description": "On to where `Location` says; cookies are set."}
_FAULT: Final = answer("A page that tells what is wrong.", TEXT, type=_HTML)
_PAGES: Final[Mapping[str, Schema]] = {"303": _ON, "4XX": _FAULT, "503": _FAULT}
_FORM: Final[Schema] = {
    "required": True,
    "content": {
        "application/x-www-form-urlencoded": {
            "schema": object_of({"token": TEXT, "next": TEXT}, "token")
        }
    },
}
_WHO: Final = object_of(
    {
        "name": TEXT,
        "how": {"enum": ["open", "token", "oidc", "session"]},
        "rights": TEXTS,
        "roles": TEXTS,
    },
    "name", "how", "rights", "roles",
)  # fmt: skip
_LOGIN: Final = object_of(
    {
        "open": {"type": "boolean"},
        "oidc": {
            "anyOf": [
                {"type": "null"},
                object_of(
                    {"issuer": TEXT, "client_id": TEXT, "scopes": TEXT},
                    "issuer", "client_id", "scopes",
                ),
            ]
        },
    },
    "open", "oidc",
)  # fmt: skip


def login_paths() -> Mapping[str, Mapping[str, Any]]:
    """Paths -> methods -> operations."""
    after = query("next", "Where to go then: a page below /console.", TEXT)
    left = query(
        "left", "`true`: somebody has just logged out; leads to the provider's logout.", TEXT
    )
    how = query("with", "`oidc`: to the provider at once.", {"enum": ["oidc"]})

    def of(id: str, summary: str, **more: Any) -> Schema:
        return operation(id, summary, "login", None, **more)

    who = operation(
        "whoAmI",
        "Who asks, and what they may",
        "login",
        None,
        responses={"200": answer("The caller.", _WHO), **OF_THE_HUB},
    )
    del who["security"]  # whoever is known may ask
    return {
        "/whoami": {"get": who},
        "/console/login": {
            "get": of(
                "loginPage",
                "The page to log in on, or on to the provider",
                parameters=[after, how, left],
                responses={"200": _PAGE, **_PAGES},
            ),
            "post": of("logIn", "Log in with a token", request=_FORM, responses=_PAGES),
        },
        "/console/login.json": {
            "get": of(
                "howToLogIn",
                "How one logs in, for programs",
                responses={"200": answer("The provider, if there is one.", _LOGIN), **OF_THE_HUB},
            )
        },
        "/console/callback": {
            "get": of("loginCallback", "Back from the provider", responses=_PAGES)
        },
        "/console/logout": {
            "get": of("logoutPage", "The page to log out on", responses={"200": _PAGE, **_PAGES}),
            "post": of("logOut", "End the session", responses=_PAGES),
        },
    }
