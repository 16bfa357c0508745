"""The identity provider that the settings name."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from chappe.adapters.egress.guard import GuardedEgress
from chappe.domain.egress import parse_allowance
from chappe.domain.errors import InvalidSetting
from chappe.ports.clock import Clock
from chappe.server.settings import Settings, egress_policy

if TYPE_CHECKING:
    from chappe.adapters.auth.issuer import OidcIssuer


def login_issuer(settings: Settings, clock: Clock) -> OidcIssuer | None:
    """The issuer, which knows no keys yet; None where there is none.

    Raises:
        InvalidSetting: the file with the client's secret cannot be read.
    """
    if not settings.oidc_issuer:
        return None
    # The library behind it takes a fifth of a hub's start, and most hubs have no issuer.
    from chappe.adapters.auth.fetch import Fetch
    from chappe.adapters.auth.issuer import OidcIssuer, Provider

    secret = None
    if settings.oidc_client_secret is not None:
        try:
            secret = settings.oidc_client_secret.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidSetting(
                f"oidc_client_secret: {str(settings.oidc_client_secret)!r} cannot be read ({error})",
                setting="oidc_client_secret",
            ) from error
    parts = urlsplit(settings.oidc_issuer)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    # The operator names it, so it may be reached; what its documents lead to is judged as sinks are.
    policy = egress_policy(settings)
    policy = replace(policy, allow=(*policy.allow, parse_allowance(f"{host}:{port}")))
    provider = Provider(
        settings.oidc_issuer,
        settings.oidc_client_id,
        secret,
        settings.oidc_audience,
        settings.oidc_scopes,
        settings.oidc_claim,
        settings.oidc_name_claim,
        settings.oidc_roles,
        settings.oidc_leeway_s,
    )
    return OidcIssuer(provider, Fetch(GuardedEgress(policy)), clock)
