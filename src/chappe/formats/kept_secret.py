"""Secrets of subscriptions and sources: sealed at rest, and kept by a write that does not send them again.

One that is kept goes to no other place: who may change where events go must not learn it that way.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeVar

import msgspec

from chappe.domain.errors import Malformed
from chappe.domain.options import Option
from chappe.formats.broker_url import Place, place_of
from chappe.formats.options_json import secret_paths, secrets_of, with_secrets
from chappe.formats.sealed import Cipher
from chappe.formats.sink_settings import CredentialDraft
from chappe.registry.entity import Attributes

# Private attributes of the versions that have secrets.
SEALED: Final = ".secret"  # the credential's secret, sealed
SEALED_REFRESH: Final = ".refreshtoken"  # the credential's refresh token, sealed
OPTION_SECRETS: Final = ".optionsecrets"  # those within the options: path to sealed JSON

T = TypeVar("T", bound=Option)

_encode = msgspec.json.Encoder(decimal_format="number").encode


def kept_secret(
    draft: CredentialDraft, url: str, before: Attributes | None, *, credential: str, place: str
) -> str:
    """The sealed secret that stays; `credential` and `place` are the attributes' names.

    Raises:
        Malformed: there is none to keep, or the URL moves to other servers.
    """
    name = "secret" if draft.credentialtype == "PLAIN" else "accesstoken"
    kept = None if before is None else before.get(credential)
    if (
        before is None
        or SEALED not in before
        or not isinstance(kept, Mapping)
        or kept.get("credentialtype") != draft.credentialtype
    ):
        raise Malformed(f"{credential}/{name}: is missing and is required")
    if _origin(url) != _origin(str(before.get(place, ""))):
        raise Malformed(
            f"{credential}/{name}: must be sent again, because the {place} moves to another origin"
        )
    return str(before[SEALED])


def kept_refresh_token(draft: CredentialDraft, before: Attributes | None) -> str:
    """The sealed refresh token of a `sinkcredential` that stays.

    Raises:
        Malformed: there is none to keep, or its endpoint moves.
    """
    kept: Any = None if before is None else before.get("sinkcredential")
    if before is None or SEALED_REFRESH not in before or not isinstance(kept, Mapping):
        raise Malformed("sinkcredential/refreshtoken: is missing and is required")
    if _origin(draft.endpoint or "") != _origin(str(kept.get("refreshtokenendpoint", ""))):
        raise Malformed(
            "sinkcredential/refreshtoken: must be sent again, because its endpoint moves to another"
            " origin"
        )
    return str(before[SEALED_REFRESH])


def option_secrets(
    options: Option, before: Attributes | None, seal: Cipher, context: str
) -> dict[str, str]:
    """The sealed secrets within options by path; those that were not sent stay.

    Raises:
        Malformed: one is missing that its group cannot do without.
    """
    sent = secrets_of(options)
    kept: Any = {} if before is None else before.get(OPTION_SECRETS, {})
    sealed: dict[str, str] = {}
    for path in secret_paths(options):
        if path in sent:
            sealed[path] = seal(_encode(sent[path]).decode(), context=f"{context}/{path}")
        elif path in kept:
            sealed[path] = kept[path]
        elif path == "signing/secrets":
            raise Malformed(f"{path}: is missing and is required")
    return sealed


def with_opened(options: T, attributes: Attributes, open: Cipher, context: str) -> T:
    """The options with the secrets that a version holds for them. Raises WrongKey."""
    sealed: Any = attributes.get(OPTION_SECRETS)
    if not sealed:
        return options
    return with_secrets(
        options,
        {
            path: msgspec.json.decode(open(text, context=f"{context}/{path}"))
            for path, text in sealed.items()
        },
    )


def _origin(url: str) -> Place:
    return place_of(url)._replace(path="")
