"""What `envelopeoptions` and `batching` of a subscription may say together, and with its protocol."""

from __future__ import annotations

from chappe.domain.errors import Malformed
from chappe.domain.options import Options
from chappe.domain.subscription import BATCHING
from chappe.formats.event_formats import BY_MEDIA_TYPE


def check_envelope(protocol: str, options: Options) -> None:
    """See that events can be laid into messages as the options want it.

    Raises:
        Malformed: they contradict each other, or ask for what the protocol or the format cannot do.
    """
    mode = options.envelopeoptions.mode
    batched = options.batching is not None or mode == "batched"
    if options.batching is not None and mode not in (None, "batched"):
        raise Malformed(
            f"envelopeoptions/mode: {mode!r} carries one event, and `batching` asks for several;"
            " 'batched' does"
        )
    if batched and protocol not in BATCHING:
        name = "batching" if options.batching is not None else "envelopeoptions/mode"
        known = ", ".join(sorted(BATCHING))
        raise Malformed(
            f"{name}: {protocol} carries one event a message; several can go by {known}"
        )
    if protocol != "HTTP" or not (batched or mode == "structured"):
        return
    named = options.envelopeoptions.format
    format_ = BY_MEDIA_TYPE.get(named.lower())
    if format_ is None or (batched and format_.batch_media_type is None):
        known = ", ".join(
            media_type
            for media_type, one in BY_MEDIA_TYPE.items()
            if not batched or one.batch_media_type is not None
        )
        what = "has no batches" if format_ is not None else "is no event format that is known"
        raise Malformed(f"envelopeoptions/format: {named!r} {what}; possible: {known}")
