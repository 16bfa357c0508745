"""What a protocol's binding asks of a subscription as a whole: where to, and how events are laid."""

from __future__ import annotations

from typing import Final

from chappe.domain.errors import Malformed, UnsupportedFormat
from chappe.domain.options import JSON_FORMAT, KafkaSettings, Options
from chappe.domain.subscription import ProtocolSettings
from chappe.formats.broker_url import place_of
from chappe.formats.content_type import format_of

_JSON_ALONE: Final = {
    "NATS": "nats-protocol-binding.md 3",
}


def check_fits(protocol: str, sink: str, settings: ProtocolSettings, options: Options) -> None:
    """See that a message of the protocol can be what the subscription asks for.

    Raises:
        Malformed: it cannot.
    """
    if protocol not in ("KAFKA", "NATS"):
        return
    envelope = options.envelopeoptions
    if envelope.mode == "structured":
        try:
            format_of(envelope.format)
        except UnsupportedFormat as error:
            raise Malformed(f"envelopeoptions/format: {error.message}") from None
        if protocol in _JSON_ALONE and envelope.format.lower() != JSON_FORMAT:
            raise Malformed(
                f"envelopeoptions/format: {envelope.format!r}: {protocol} carries structured events"
                f" in {JSON_FORMAT} alone ({_JSON_ALONE[protocol]})"
            )
    if isinstance(settings, KafkaSettings):
        path = place_of(sink).path
        if "/" in path.strip("/") or path.endswith("/"):
            raise Malformed(f"sink: the path {path!r} is no topic")
        if path and settings.topicname and path != settings.topicname:
            raise Malformed(
                f"protocolsettings/topicname: {settings.topicname!r}; the sink's path says {path!r}"
            )
        if not path and not settings.topicname:
            raise Malformed(
                "protocolsettings/topicname: is missing, and the sink's path names no topic either"
            )
