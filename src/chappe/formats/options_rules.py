"""What options of a subscription must be beside what their description says."""

from __future__ import annotations

from chappe.domain.errors import Malformed
from chappe.domain.options import Options
from chappe.domain.transform import check_transform
from chappe.formats.fields import shortened
from chappe.formats.jsonata_syntax import check_jsonata
from chappe.formats.times import is_rfc3339
from chappe.formats.webhook_signatures import signer


def check_options(options: Options, protocol: str) -> None:
    """See that the options can be lived with.

    Raises:
        Malformed: one breaks a rule, or has no meaning with the protocol; the message begins with
            its path and shows no secret.
    """
    _instant(options.expires, "expires")
    signing = options.signing
    if signing is not None:
        _only(protocol, "HTTP", "signing")
        for index, key in enumerate(signing.secrets):
            signer(key, f"signing/secrets/{index}")
        _instant(signing.overlap_until, "signing/overlap_until")
    if options.transform is not None:
        check_transform(options.transform, "transform")
        if options.transform.data is not None:
            check_jsonata(options.transform.data, "transform/data")
    if options.handshake != "off":
        _only(protocol, "HTTP", "handshake")
    if options.replies is not None:
        _only(protocol, "HTTP", "replies")


def _only(protocol: str, needed: str, path: str) -> None:
    if protocol != needed:
        raise Malformed(f"{path}: has a meaning with the protocol {needed} alone, not {protocol}")


def _instant(text: str | None, path: str) -> None:
    if text is not None and not is_rfc3339(text):
        raise Malformed(f"{path}: {shortened(text)} is no RFC 3339 timestamp")
