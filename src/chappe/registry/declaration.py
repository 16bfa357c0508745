"""What a message declares of the events of one type."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

Mode: TypeAlias = Literal["off", "warn", "enforce"]
"""What an event that breaks its declaration comes to: nothing, warnings in the answer, or a refusal."""

Framing: TypeAlias = Literal["confluent"]
"""What stands before the payloads, beside what the media type of an event says: a frame of Confluent's."""


@dataclass(frozen=True, slots=True)
class AttributeRule:
    """What the message's `envelopemetadata` says of one attribute of the event.

    `template` is a text in which `{…}` stands for anything; None: any value.
    """

    name: str
    required: bool = False
    template: str | None = None


@dataclass(frozen=True, slots=True)
class Declaration:
    """The payload's schema and the envelope of events of `type`; one type is declared once.

    `path` is the xid of the message that declares it, such as "/messagegroups/shop/messages/paid".
    `schema` is the document without white space between its tokens, b"" where there is none;
    `format` names the schema language, such as "JSONSchema/draft-07". `schemaxid` is where the schema
    stands in the registry instead: a schema (its default version) or a version. `framing` tells that
    all payloads have frames, and `context` whose ids they hold where no schema is named.
    """

    path: str
    type: str
    format: str
    schema: bytes
    mode: Mode
    schemaxid: str | None = None
    datacontenttype: str | None = None
    attributes: Sequence[AttributeRule] = ()
    framing: Framing | None = None
    context: str = "."
