"""The sample events that the format tests of cloudevents/conformance name, rebuilt from its README."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from chappe.domain.attributes import timestamp
from chappe.domain.event import AttributeValue, Event


def _event(id: str, source: str = "https://cloudevents.io", **more: object) -> Event:
    return Event(id=id, source=source, type="io.cloudevents.test", **more)  # type: ignore[arg-type]


_TYPED: Final[Mapping[str, AttributeValue]] = {
    "extinteger": 10,
    "extboolean": True,
    "extstring": "text",
    "extbinary": b"Ma",
    "exttimestamp": "2023-03-31T15:12:00Z",
    "exturi": "https://cloudevents.io",
    "exturiref": "//authority/path",
}

MINIMAL: Final = _event("minimal")
ALL_CORE: Final = _event(
    "allCore",
    datacontenttype="text/plain",
    dataschema="https://cloudevents.io/dataschema",
    subject="tests",
    time="2018-04-05T17:31:00Z",
)
ALL_TYPES: Final = _event("allExtensionTypes", extensions=_TYPED)

EVENTS: Final[Mapping[str, Event]] = {
    "minimal": MINIMAL,
    "minimalWithTime": _event("minimalWithTime", time="2018-04-05T17:31:00Z"),
    "minimalWithRelativeSource": _event("minimalWithRelativeSource", "#fragment"),
    "allCore": ALL_CORE,
    # The README says the id "simpleData"; all data says this one.
    "simpleTextData": _event(
        "simpleTextData", datacontenttype="text/plain", data=b"Simple text", text=True
    ),
    "allExtensionTypes": ALL_TYPES,
}

BATCHES: Final[Mapping[str, Sequence[Event]]] = {
    "empty": [],
    "minimal": [MINIMAL],
    "minimal2": [MINIMAL, MINIMAL],
    "minimalAndAllCore": [MINIMAL, ALL_CORE],
    "minimalAndAllExtensionTypes": [MINIMAL, ALL_TYPES],
}


@dataclass(frozen=True, slots=True)
class Seen:
    """An event as far as the format tests compare: timestamps as instants."""

    attributes: Mapping[str, object]
    data: tuple[bytes | None, bool]


def seen(event: Event, *, typed: bool) -> Seen:
    """`typed`: whether the format tells Boolean, Integer and Binary from String."""
    found: dict[str, object] = {}
    for name, value in event.attributes():
        if name in ("time", "exttimestamp"):
            assert isinstance(value, str)
            found[name] = timestamp(value)
        else:
            # JSON has Booleans and integers, and Base64 for Binary.
            found[name] = value if typed or not isinstance(value, bytes) else event.get(name)
    return Seen(found, (event.data, event.text))
