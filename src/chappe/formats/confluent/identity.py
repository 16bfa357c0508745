"""The identity of a schema's content: what it says, what it refers to, and its contract.

The same content has the same guid everywhere, and the same id in one context.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from chappe.formats.confluent.contracts import Metadata, Rule, RuleSet


@dataclass(frozen=True, slots=True)
class Reference:
    """What a schema calls `name` is a version of a subject; -1 stands for the latest."""

    name: str
    subject: str
    version: int

    def shown(self) -> dict[str, Any]:
        """As JSON."""
        return {"name": self.name, "subject": self.subject, "version": self.version}


@dataclass(frozen=True, slots=True)
class Content:
    """What a schema is; `type` is AVRO, JSON or PROTOBUF."""

    type: str
    text: str
    references: Sequence[Reference] = ()
    metadata: Metadata | None = None
    rules: RuleSet | None = None

    @property
    def guid(self) -> str:
        """Its identity, which the type is no part of."""
        digest = hashlib.md5(usedforsecurity=False)
        for part in self._parts():
            digest.update(part if isinstance(part, bytes) else part.encode("utf-8", "replace"))
        return str(UUID(bytes=digest.digest()))

    def _parts(self) -> Iterator[str | bytes]:
        yield self.text
        for one in self.references:
            yield one.name
            yield one.subject
            yield (one.version & 0xFFFFFFFF).to_bytes(4, "big")
        if self.metadata is not None:
            yield b"\x01"  # None and nothing are not the same.
            yield from _of_metadata(self.metadata)
        if self.rules is not None:
            yield b"\x01"
            for rule in (*self.rules.migration, *self.rules.domain, *self.rules.encoding):
                yield from _of_rule(rule)
            if self.rules.enable_at is not None:
                yield self.rules.enable_at


def _of_metadata(metadata: Metadata) -> Iterator[str]:
    for path, tags in metadata.tags.items():
        yield path
        yield from tags
    for name, value in metadata.properties.items():
        yield name
        yield value
    yield from metadata.sensitive


def _of_rule(rule: Rule) -> Iterator[str | bytes]:
    for text in (rule.name, rule.doc, rule.kind, rule.mode, rule.type):
        if text is not None:
            yield text
    yield from rule.tags
    for name, value in rule.params.items():
        yield name
        yield value
    for text in (rule.expr, rule.on_success, rule.on_failure):
        if text is not None:
            yield text
    if rule.disabled:
        yield b"\x01"
