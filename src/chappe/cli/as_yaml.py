"""-o yaml of what is printed as JSON: the same values, one document for each, as they come."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, BinaryIO

from chappe.cli.registry_yaml import write_yaml

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_JSON = json.JSONDecoder(parse_float=Decimal)


@contextlib.contextmanager
def as_yaml() -> Iterator[None]:
    """What is written to standard output meanwhile as JSON goes on as YAML; what is none, as it is."""
    real = sys.stdout
    real.flush()
    into = _Rewritten(real.buffer)
    stand_in = io.TextIOWrapper(into, "utf-8", write_through=True)  # type: ignore[type-var]
    sys.stdout = stand_in
    try:
        yield
    finally:
        sys.stdout = real
        stand_in.detach()
        into.end()


class _Rewritten(io.RawIOBase):
    """Takes JSON values, in parts of any size, and writes each as YAML once it is whole."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._rest = b""
        self._begun = False

    def writable(self) -> bool:  # type: ignore[explicit-override]
        return True

    def write(self, part: ReadableBuffer, /) -> int:  # type: ignore[explicit-override]
        taken = bytes(part)
        self._rest += taken
        try:
            text = self._rest.decode()
        except UnicodeDecodeError:
            return len(taken)  # a character in two parts
        at = 0
        while (begin := _behind_blanks(text, at)) < len(text):
            try:
                value, end = _JSON.raw_decode(text, begin)
            except ValueError:
                break
            if end == len(text) and text[begin] not in '{["':
                break  # a number may go on
            self._put(write_yaml(value).encode())
            at = end
        self._rest = text[at:].encode()
        return len(taken)

    def end(self) -> None:
        """No more comes."""
        rest = self._rest.strip()
        self._rest = b""
        if rest:
            try:
                self._put(write_yaml(_JSON.decode(rest.decode())).encode())
            except ValueError:
                self._put(rest + b"\n")

    def _put(self, document: bytes) -> None:
        self._out.write(b"---\n" + document if self._begun else document)
        self._out.flush()
        self._begun = True


def _behind_blanks(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at
