"""The Avro schemas of CloudEvents (cloudevents.avsc, cloudevents-compact.avsc), rewritten for fastavro."""

from __future__ import annotations

from typing import Any, Final

_RECORD: Final = "io.cloudevents.CloudEventData"
_INNER: Final = {
    "type": "map",
    "values": [
        "null",
        "boolean",
        {"type": "map", "values": _RECORD},
        {"type": "array", "items": _RECORD},
        "double",
        "string",
    ],
}
_DATA: Final = {
    "type": "record",
    "name": _RECORD,
    "fields": [{"name": "value", "type": _INNER}],
}
_ATTRIBUTES: Final = {"type": "map", "values": ["null", "boolean", "int", "string", "bytes"]}

AVRO: Final[dict[str, Any]] = {
    "type": "record",
    "name": "io.cloudevents.CloudEvent",
    "fields": [
        {"name": "attribute", "type": _ATTRIBUTES},
        {
            "name": "data",
            "type": [
                "bytes",
                "null",
                "boolean",
                {"type": "map", "values": ["null", "boolean", _DATA, "double", "string"]},
                {"type": "array", "items": _RECORD},
                "double",
                "string",
            ],
        },
    ],
}

_INSTANT: Final = {"type": "long", "logicalType": "timestamp-micros"}

AVRO_COMPACT: Final[dict[str, Any]] = {
    "type": "record",
    "name": "io.cloudevents.v1.avro.compact.CloudEvent",
    "fields": [
        *({"name": name, "type": "string"} for name in ("id", "source", "type")),
        *(
            {"name": name, "type": ["null", "string"]}
            for name in ("datacontenttype", "dataschema", "subject")
        ),
        {"name": "time", "type": ["null", _INSTANT]},
        {
            "name": "extensions",
            "type": {"type": "map", "values": ["boolean", "int", _INSTANT, "string", "bytes"]},
        },
        {"name": "data", "type": ["bytes", "null"]},
    ],
}
