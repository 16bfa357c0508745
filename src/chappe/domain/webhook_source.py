"""A source that is asked itself: other systems post their webhooks to the hub, which proves who they are.

What a user may say of one; the other protocols of sources stand in `domain/source`.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias

from msgspec import Meta
from typing_extensions import override

from chappe.domain.options import SECRET, Option

WEBHOOK: Final = "WEBHOOK"
"""The protocol's name."""

Provider: TypeAlias = Literal[
    "github", "gitlab", "sns", "stripe", "slack", "shopify", "standard", "generic"
]
Scheme: TypeAlias = Literal[
    "github", "gitlab", "stripe", "slack", "shopify", "standard",
    "hmac", "token", "basic", "bearer", "none",
]  # fmt: skip
BODY: Final = "{body}"
TIMESTAMP: Final = "{timestamp}"

_FIELD_NAME: Final = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,100}"


class WebhookSource(Option, frozen=True, kw_only=True):
    """`protocolsettings` of WEBHOOK: how a webhook becomes an event."""

    provider: Annotated[
        Provider, Meta(description="Who sends; generic: anybody, mapped by `attributes`")
    ]
    attributes: Annotated[
        dict[str, str],
        Meta(description="Templates of the event's attributes, before those of the provider"),
    ] = {}  # noqa: RUF012 - msgspec copies it


class Verification(Option, frozen=True, kw_only=True):
    """How a webhook shows that it comes from whom it says; with several secrets, any of them does."""

    scheme: Annotated[
        Scheme | None,
        Meta(description="The kind of proof; absent: the provider's own; none: anybody may post"),
    ] = None
    secrets: Annotated[
        tuple[Annotated[str, Meta(max_length=1_024)], ...],
        Meta(max_length=10, extra=SECRET, description="What the sender knows, the newest first"),
    ] = ()
    user: Annotated[
        Annotated[str, Meta(min_length=1, max_length=256)] | None,
        Meta(description="The user, with basic"),
    ] = None
    header: Annotated[
        Annotated[str, Meta(pattern=_FIELD_NAME)] | None,
        Meta(description="The header field of the signature or token, with hmac and token"),
    ] = None
    algorithm: Annotated[
        Literal["sha256", "sha512", "sha1"], Meta(description="The hash, with hmac")
    ] = "sha256"
    encoding: Annotated[
        Literal["hex", "base64"], Meta(description="How the signature is written, with hmac")
    ] = "hex"
    prefix: Annotated[
        Annotated[str, Meta(min_length=1, max_length=100)] | None,
        Meta(description="What stands before the signature, with hmac, such as sha256="),
    ] = None
    signed: Annotated[
        str,
        Meta(
            min_length=6,
            max_length=256,
            description="What is signed, with hmac: {body}, and {timestamp} where there is one",
        ),
    ] = BODY
    timestampheader: Annotated[
        Annotated[str, Meta(pattern=_FIELD_NAME)] | None,
        Meta(description="The header field of the timestamp, in seconds since 1970, with hmac"),
    ] = None
    tolerance_s: Annotated[
        float,
        Meta(ge=1, le=86_400, description="Seconds that a signed timestamp may be from now"),
    ] = 300.0

    @override
    def __repr__(self) -> str:
        return f"Verification(scheme={self.scheme!r}, {len(self.secrets)} secrets)"


SCHEME_OF: Final[dict[str, Scheme]] = {
    "github": "github",
    "gitlab": "gitlab",
    "stripe": "stripe",
    "slack": "slack",
    "shopify": "shopify",
    "standard": "standard",
}
"""The proof that each provider gives by itself; the others have none that is known here."""


def scheme_of(settings: WebhookSource, verification: Verification) -> Scheme | None:
    """The kind of proof that is asked for; None: none is said, and the provider has none."""
    return verification.scheme or SCHEME_OF.get(settings.provider)
