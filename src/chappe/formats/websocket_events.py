"""The CloudEvents subprotocols of WebSockets (websockets-protocol-binding.md 1.5): one event a message.

cloudevents.json   text      the JSON format
cloudevents.proto  binary    the Protobuf format
cloudevents.avro   binary    the Avro format
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from chappe.domain.event import Event
from chappe.formats import cloudevents_avro, cloudevents_json, cloudevents_protobuf


@dataclass(frozen=True, slots=True)
class Subprotocol:
    """How events stand in the messages of one connection; it never changes while that lasts (1.3)."""

    name: str
    is_text: bool
    decode: Callable[[bytes], Event]
    encode: Callable[[Event], bytes]


JSON: Final = Subprotocol(
    "cloudevents.json",
    is_text=True,
    decode=cloudevents_json.decode,
    encode=cloudevents_json.encode,
)
PROTOBUF: Final = Subprotocol(
    "cloudevents.proto",
    is_text=False,
    decode=cloudevents_protobuf.decode,
    encode=cloudevents_protobuf.encode,
)
AVRO: Final = Subprotocol(
    "cloudevents.avro",
    is_text=False,
    decode=cloudevents_avro.decode,
    encode=cloudevents_avro.encode,
)
SUBPROTOCOLS: Final = {one.name: one for one in (JSON, PROTOBUF, AVRO)}


def chosen(offered: Sequence[str]) -> Subprotocol | None:
    """The first that the client offers and the hub knows: the client's order is its preference."""
    return next((SUBPROTOCOLS[name] for name in offered if name in SUBPROTOCOLS), None)
