"""A Protobuf language with its real compiler, and short words for tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chappe.adapters.protoc.compiler import ProtocCompiler
from chappe.formats.protobuf_schema.language import ProtobufLanguage

PROTO3 = 'syntax = "proto3";\n'


@pytest.fixture(scope="module")
def language() -> Iterator[ProtobufLanguage]:
    with ProtocCompiler() as compiler:
        yield ProtobufLanguage(compiler)
