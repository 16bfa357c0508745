"""Rows of the delivery log <-> events of the channel "attempts".

One event carries the attempts of some ten milliseconds: its data is a JSON array of arrays, one row
each, in the order of AttemptRow's fields.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from chappe.domain.attempt import AttemptRow
from chappe.domain.event import Event

TYPE = "io.chappe.delivery.attempts.v1"

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(list[AttemptRow])


def encode_attempts(rows: Sequence[AttemptRow], *, id: str, node: str, time: str) -> Event:
    """One event that carries the rows."""
    return Event(
        id=id,
        source=f"/nodes/{node}",
        type=TYPE,
        time=time,
        datacontenttype="application/json",
        data=_encoder.encode(rows),
        text=True,
    )


def decode_attempts(event: Event) -> Sequence[AttemptRow]:
    """The rows that an event carries; none for an event of another type."""
    if event.type != TYPE or event.data is None:
        return ()
    return _decoder.decode(event.data)
