"""Sources in the registry: /endpoints/hub/sources/{id} <-> Source."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from chappe.domain.channel import OWN
from chappe.domain.errors import Malformed
from chappe.domain.source import Source
from chappe.domain.subscription import Credential, Defaults
from chappe.domain.webhook_source import WebhookSource
from chappe.formats.kept_secret import (
    OPTION_SECRETS,
    SEALED,
    kept_secret,
    option_secrets,
    with_opened,
)
from chappe.formats.sealed import Cipher
from chappe.formats.source_json import FIELDS, check_id, parse_source, render_source
from chappe.formats.webhooks.declared import check_secrets
from chappe.registry.entity import Attributes, Resource, Tree
from chappe.registry.lineage import instant

SOURCES: Final = "sources"

_encode = msgspec.json.Encoder(decimal_format="number").encode
_PRIVATE: Final = (SEALED, OPTION_SECRETS)


def stored_source(
    attributes: Mapping[str, Any],
    before: Attributes | None,
    *,
    id: str,
    defaults: Defaults,
    seal: Cipher,
) -> dict[str, Any]:
    """What is stored of a source's version: complete, checked, the secrets sealed.

    `before` is what the resource's default version held, None where it is made.

    Raises:
        Malformed: a field breaks a rule; no message holds a secret.
    """
    check_id(id)
    sent = {name: attributes[name] for name in FIELDS if name in attributes}
    draft = parse_source(_encode(sent), defaults.read)
    private: dict[str, Any] = {}
    credential = None
    if draft.credential is not None:
        private[SEALED] = (
            kept_secret(draft.credential, draft.url, before, credential="credential", place="url")
            if draft.credential.secret is None
            else seal(draft.credential.secret, context=_context(id))
        )
        credential = Credential(
            draft.credential.credentialtype,
            draft.credential.identifier,
            "",
            draft.credential.expires,
        )
    within = option_secrets(draft.options, before, seal, _context(id))
    if isinstance(draft.settings, WebhookSource):
        check_secrets(draft.settings, draft.options.verification, known=within)
    if within:
        private[OPTION_SECRETS] = within
    shown = render_source(
        Source(id, draft.url, draft.protocol, draft.settings, credential, draft.options)
    )
    rest = {
        name: value
        for name, value in attributes.items()
        if name not in FIELDS and name not in _PRIVATE
    }
    complete: dict[str, Any] = msgspec.json.decode(_encode(shown))
    return {**rest, **{name: complete[name] for name in FIELDS if name in complete}, **private}


def source_of(resource: Resource, *, open: Cipher) -> Source:
    """The source that a resource's default version describes.

    Raises:
        Malformed: it is none that this release knows.
        WrongKey: a stored secret does not open with this node's key.
    """
    version = resource.default
    assert version is not None
    attributes = version.attributes
    sent = {name: attributes[name] for name in FIELDS if name in attributes}
    draft = parse_source(_encode(sent))
    credential = None
    if draft.credential is not None:
        credential = Credential(
            draft.credential.credentialtype,
            draft.credential.identifier,
            open(str(attributes.get(SEALED, "")), context=_context(resource.id)),
            draft.credential.expires,
        )
    options = with_opened(draft.options, attributes, open, _context(resource.id))
    edits = sum(int(one.attributes["epoch"]) - 1 for one in resource.versions.values())
    return Source(
        resource.id,
        draft.url,
        draft.protocol,
        draft.settings,
        credential,
        options,
        epoch=int(resource.meta["epoch"]) + edits,
        created_at=str(resource.meta["createdat"]),
        modified_at=max(
            str(version.attributes["modifiedat"]), str(resource.meta["modifiedat"]), key=instant
        ),
    )


def check_source(tree: Tree, resource: Resource | None, endpoint: str, hub: str) -> None:
    """See that the hub can live with a source that a write changed; None: it was taken away.

    Raises:
        Malformed: a rule of the hub is broken.
    """
    if resource is None:
        return
    if endpoint != hub:
        raise Malformed(
            f"endpoint {endpoint!r} takes no sources: this hub reads those of its endpoint {hub!r}"
        )
    version = resource.default
    if version is None:
        raise Malformed("xref: a source cannot be another's mirror")
    channel = str(version.attributes.get("channel", ""))
    if channel in OWN or channel not in tree.of("channels"):
        known = ", ".join(one for one in tree.of("channels").ordered() if one not in OWN)
        raise Malformed(
            f"channel: {channel!r} does not exist, or is the hub's own; there are: {known}"
        )


def _context(id: str) -> str:
    """What a source's secrets are sealed for."""
    return f"sources/{id}/credential"
