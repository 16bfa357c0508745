"""Payloads against one message: binary, or JSON in Protobuf's mapping (ProtoJSON).

Almost all bytes are some message or other to Protobuf, so what tells that a payload is of another type
is mostly fields that the message does not have; whether these are violations is a policy.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Final, Literal, TypeAlias

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.unknown_fields import UnknownFieldSet

from chappe.formats.fields import shortened
from chappe.formats.json_schema import is_json_type
from chappe.formats.protobuf_schema.classes import Classes, requires
from chappe.formats.protobuf_schema.cost import MAX_PARSED_BYTES, MAX_TIMES, Cost
from chappe.formats.schema_language import Violation

UnknownFields: TypeAlias = Literal["refuse", "accept"]

MAX_VIOLATIONS: Final = 20
MAX_DEPTH: Final = 100
# ProtoJSON is read by Python code, some 3 µs a value.
MAX_JSON_VALUES: Final = 100_000

_MAX_VISITED: Final = 10_000
_MAX_TOLD_BYTES: Final = 64 << 10
_BINARY_TYPE = re.compile(
    r"\s*application/(?:octet-stream|protobuf|proto|x-protobuf|x-google-protobuf"
    r"|vnd\.google\.protobuf|[^/;\s]+\+proto(?:buf)?)\s*(?:;.*)?",
    re.I,
)
_WITHIN = re.compile(r"Failed to parse (\S+) field: ")
_AVAILABLE = re.compile(r"\s*Available Fields\(except extensions\):.*", re.S)
_AT = re.compile(r' at "?(\w+)((?:\.\w+|\[[^\]]*\])*)"?\.*$')
_STEP = re.compile(r"\.?(\w+)|\[([^\]]*)\]")
_NO_JSON = re.compile(r"(?:Failed to (?:load|parse) JSON: )+")
# Some of these are strings, numbers or arrays in JSON.
_WELL_KNOWN: Final = "google.protobuf."
_WIRE_TYPES: Final = ("a varint", "64 bits", "bytes", "a group", "a group's end", "32 bits")


class PayloadCheck:
    """Checks payloads against one message of a private pool."""

    def __init__(self, message: Descriptor, classes: Classes, unknown: UnknownFields) -> None:
        self._name = message.full_name
        self._message = message
        self._classes = classes
        self._class = classes.of(message)
        self._parse = self._class.FromString
        self._refuse_unknown = unknown == "refuse"
        self._requires = requires(message)
        self._cost = Cost(message)
        self._harmless_bytes = self._cost.harmless_bytes

    def __call__(self, data: bytes | None, content_type: str | None) -> Sequence[Violation]:
        """What is wrong; never raises. Data without a type that begins as an object is JSON."""
        if data is None:
            return (Violation("", "data", "", "the event has no data, its type declares a schema"),)
        if content_type is None:
            return self._json(data) if data.lstrip()[:1] == b"{" else self._binary(data)
        if _is_binary(content_type):
            return self._binary(data)
        if is_json_type(content_type):
            return self._json(data)
        return (
            Violation(
                "",
                "datacontenttype",
                shortened(content_type),
                "the data is neither Protobuf nor JSON, its type declares a Protobuf schema",
            ),
        )

    def _binary(self, data: bytes) -> Sequence[Violation]:
        if len(data) > self._harmless_bytes and self._cost.too_much(data):
            return (_too_much(),)
        try:
            message = self._parse(data)
        except (DecodeError, ValueError) as exc:
            return (
                Violation("", "protobuf", f"{len(data)} bytes", f"no {self._name}: {_reason(exc)}"),
            )
        if self._requires and not message.IsInitialized():
            self._classes.complete()
            return _missing(message, data)
        if not self._refuse_unknown:
            return ()
        message.DiscardUnknownFields()
        # Most writers put fields in order: then what is known of them are the same bytes again.
        known = message.SerializePartialToString()
        return () if known == data else self._unknown(len(known), data)

    def _unknown(self, known_bytes: int, data: bytes) -> Sequence[Violation]:
        message = self._parse(data)
        if message.ByteSize() == known_bytes:
            return ()
        self._classes.complete()
        found = list(_unknown(message))
        return found or (
            Violation("", "unknown field", "", f"a field that {self._name} does not have"),
        )

    def _json(self, data: bytes) -> Sequence[Violation]:
        values = data.count(b",") + data.count(b"{") + data.count(b"[")
        if values > MAX_JSON_VALUES:
            return (
                Violation(
                    "",
                    "json",
                    "",
                    f"{values} values; at most {MAX_JSON_VALUES} are possible in JSON; send"
                    " binary Protobuf",
                ),
            )
        if data.lstrip()[:1] != b"{" and not self._name.startswith(_WELL_KNOWN):
            return (Violation("", "json", "", f"no JSON object, which a {self._name} is"),)
        if self._cost.too_much_json(data):
            return (_too_much(),)
        self._classes.complete()
        try:
            message = self._class()
            json_format.Parse(
                data.decode(),
                message,
                ignore_unknown_fields=not self._refuse_unknown,
                descriptor_pool=self._classes.pool,
                max_recursion_depth=MAX_DEPTH,
            )
            if not message.IsInitialized():
                return _missing(message, data)
        except UnicodeDecodeError as exc:
            return (Violation("", "json", "", f"not UTF-8 at byte {exc.start}"),)
        except RecursionError:
            return (Violation("", "json", "", "nested too deeply"),)
        except Exception as exc:  # noqa: BLE001 - the parser lets many kinds through
            return (self._json_violation(exc),)
        return ()

    def _json_violation(self, error: Exception) -> Violation:
        text = _AVAILABLE.sub("", str(error))
        names: list[str] = []
        while (within := _WITHIN.match(text)) is not None:
            names.append(within[1])
            text = text[within.end() :]
        at = _AT.search(text)
        pointer = "".join(f"/{each}" for each in names)
        if at is not None and at[1] == self._message.name:
            pointer = _pointer(at[2])
            text = text[: at.start()]
        told, count = _NO_JSON.subn("not JSON: ", text)
        return Violation(
            pointer, "json" if count else "protobuf", "", told.strip().rstrip(".")[:300]
        )


@lru_cache(maxsize=1_000)
def _is_binary(content_type: str) -> bool:
    return _BINARY_TYPE.fullmatch(content_type) is not None


def _missing(message: Message, data: bytes) -> Sequence[Violation]:
    """Required fields that are not set; which ones, unless the payload is so large that it costs."""
    if len(data) > _MAX_TOLD_BYTES:
        return (Violation("", "required", "", "a required field is missing"),)
    return [
        Violation(_pointer(path), "required", "", f"the required field {path} is missing")
        for path in _paths(message)[:MAX_VIOLATIONS]
    ]


def _paths(message: Message) -> list[str]:
    found: list[str] = message.FindInitializationErrors()  # type: ignore[attr-defined]
    return found


def _pointer(path: str) -> str:
    """From a path to a pointer: "lines[0].price" -> "/lines/0/price"."""
    return "".join(f"/{step[1] or step[2]}" for step in _STEP.finditer(path))


def _unknown(message: Message) -> Iterator[Violation]:
    """The first unknown fields, with their numbers; looks into a bounded number of messages."""
    waiting: list[tuple[str, Message]] = [("", message)]
    found = 0
    for _ in range(_MAX_VISITED):
        if not waiting:
            return
        pointer, each = waiting.pop()
        for number, wire_type in _unknown_fields(each):
            name = each.DESCRIPTOR.full_name
            known = each.DESCRIPTOR.fields_by_number.get(number)
            told = (
                f"{name} has no field {number}"
                if known is None
                else f"field {known.name} = {known.number} of {name} is of another type"
            )
            yield Violation(
                f"{pointer}/{number}",
                "unknown field",
                _WIRE_TYPES[wire_type],
                told,
            )
            found += 1
            if found == MAX_VIOLATIONS:
                return
        waiting.extend(_below(pointer, each))


def _unknown_fields(message: Message) -> Iterator[tuple[int, int]]:
    """Number and wire type of each."""
    fields: Any = UnknownFieldSet(message)
    for each in fields:
        yield each.field_number, each.wire_type


def _below(pointer: str, message: Message) -> Iterator[tuple[str, Message]]:
    for field, value in message.ListFields():
        here = f"{pointer}/{field.name}"
        if field.message_type is None:
            continue
        if not field.is_repeated:
            yield here, value
        elif not field.message_type.GetOptions().map_entry:
            yield from ((f"{here}/{index}", each) for index, each in enumerate(value))
        elif field.message_type.fields_by_name["value"].message_type is not None:
            yield from ((f"{here}/{key}", value[key]) for key in value)


def _too_much() -> Violation:
    return Violation(
        "",
        "protobuf",
        "",
        "its messages would take too much memory: more than"
        f" {MAX_PARSED_BYTES} bytes and {MAX_TIMES} times its size",
    )


def _reason(error: Exception) -> str:
    """The parser's words, without the name it repeats."""
    text = str(error)
    if "MaxDepth" in text:
        return f"nested more than {MAX_DEPTH} deep"
    return re.sub(r"^Error parsing message with type '[^']*': ?", "", text) or text
