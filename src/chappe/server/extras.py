"""Protocols that need more than the core installation: served where that is there."""

from __future__ import annotations

from collections.abc import MutableMapping
from importlib.util import find_spec

from chappe.ports.event_source import OpenSource
from chappe.ports.sink import Sink


def add_kafka(sinks: MutableMapping[str, Sink], readers: MutableMapping[str, OpenSource]) -> None:
    """Kafka, with `chappe[kafka]`; its client is loaded here and nowhere before."""
    if find_spec("confluent_kafka") is None:
        return
    from chappe.adapters.kafka.sink import KafkaSink
    from chappe.adapters.kafka.source import KafkaReader

    sinks["KAFKA"] = KafkaSink()
    readers["KAFKA"] = KafkaReader
