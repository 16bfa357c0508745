r"""What `chappe event send` is given: flags, a file or standard input, told apart by content.

    {"specversion": …}              one event
    [{…}, {…}]                      one batch: stored as a whole, or not at all
    {…}\n{…}\n                        JSON lines, also pretty-printed one after another (jq's way)
    specversion: …  ---             YAML; a list is a batch

Nothing is judged here: the hub says what is wrong with an event.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

import click
import msgspec

from chappe.cli.moment import now_text
from chappe.domain.event import Event
from chappe.formats import cloudevents_json

DEFAULT_SOURCE = "/chappe/cli"


@dataclass(frozen=True, slots=True)
class Batch:
    """A JSON array: all or nothing."""

    events: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class One:
    """One event, and the line on which it begins."""

    event: bytes
    line: int


def read(file: str) -> Iterator[One | Batch]:
    """The events of a file, or of standard input (-), each as soon as its line is there.

    Raises:
        click.UsageError: it is neither JSON nor YAML; names the line.
    """
    with _opened(file) as stream:
        for number, line in enumerate(stream, start=1):
            if not line.strip():
                continue
            if not _is_object(line):
                # Not one event a line: an array, or objects over several lines. It needs all of it.
                yield from _whole(line + stream.read(), first_line=number)
                return
            yield One(line.strip(), number)


def _opened(file: str) -> BinaryIO:
    if file != "-":
        return Path(file).open("rb")
    # A reader of its own: a thread that still waits on sys.stdin when the process ends (Ctrl-C) holds
    # its lock, and Python dies of that.
    return os.fdopen(os.dup(sys.stdin.fileno()), "rb")


def _is_object(line: bytes) -> bool:
    try:
        msgspec.json.decode(line, type=dict[str, msgspec.Raw])
    except msgspec.MsgspecError:
        return False
    return True


def _whole(body: bytes, *, first_line: int) -> Iterator[One | Batch]:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise click.UsageError(f"the input is not UTF-8 (byte {exc.start})") from exc
    if text.lstrip().startswith("["):
        try:
            yield Batch([bytes(raw) for raw in msgspec.json.decode(body, type=list[msgspec.Raw])])
        except msgspec.MsgspecError as exc:
            raise click.UsageError(f"the input is no JSON array ({exc})") from exc
        return
    if text.lstrip()[:1] not in ("{", ""):
        yield from _yaml(text, first_line)
        return
    decoder = json.JSONDecoder()
    start = 0
    while (start := _skip_space(text, start)) < len(text):
        line = first_line + text.count("\n", 0, start)
        try:
            _, end = decoder.raw_decode(text, start)
        except ValueError as exc:
            raise click.UsageError(f"line {line} of the input is no JSON ({exc})") from exc
        yield One(text[start:end].encode(), line)
        start = end


def _yaml(text: str, first_line: int) -> Iterator[One | Batch]:
    from chappe.cli.places import Unreadable, yaml_documents

    encoder = msgspec.json.Encoder(decimal_format="number")
    try:
        documents = yaml_documents(text)
    except Unreadable as exc:
        line = first_line + exc.place.line - 1
        raise click.UsageError(f"line {line} of the input is {exc.message}") from exc
    for value, node in documents:
        line = first_line + node.start_mark.line if node else first_line
        if isinstance(value, list):
            yield Batch([encoder.encode(one) for one in value])
        elif isinstance(value, dict):
            yield One(encoder.encode(value), line)
        elif value is not None:
            raise click.UsageError(f"line {line} of the input is no JSON or YAML object")


def _skip_space(text: str, start: int) -> int:
    while start < len(text) and text[start].isspace():
        start += 1
    return start


@dataclass(frozen=True, slots=True)
class Flags:
    """The event that the options describe; what is missing is filled in."""

    type: str
    source: str
    id: str | None
    subject: str | None
    time: str | None
    schema: str | None
    content_type: str | None
    data: bytes | None
    extensions: Mapping[str, str]

    def encode(self, number: int, of: int) -> bytes:
        """The `number`-th of `of` events (from 1), in the JSON format; ids differ."""
        chosen = self.id if of == 1 or self.id is None else f"{self.id}-{number}"
        return cloudevents_json.encode(
            Event(
                id=str(uuid4()) if chosen is None else chosen,
                source=self.source,
                type=self.type,
                subject=self.subject,
                time=self.time or now_text(),
                dataschema=self.schema,
                datacontenttype=self._content_type(),
                extensions=dict(self.extensions),
                data=self.data,
                text=self.data is not None and _is_text(self.data),
            )
        )

    def _content_type(self) -> str | None:
        if self.content_type is not None or self.data is None:
            return self.content_type
        try:
            json.loads(self.data)
        except ValueError as exc:
            raise click.UsageError(
                f"--data is no JSON ({exc}); say what it is with --content-type, such as text/plain"
            ) from exc
        return "application/json"


def payload(data: str | None, data_file: str | None) -> bytes | None:
    """The payload of --data or --data-file.

    Raises:
        click.UsageError: both are given, or the file cannot be read.
    """
    if data is not None and data_file is not None:
        raise click.UsageError("--data and --data-file exclude each other")
    if data_file is None:
        return None if data is None else data.encode("utf-8", "surrogateescape")
    if data_file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(data_file).read_bytes()
    except OSError as exc:
        raise click.UsageError(f"--data-file {data_file}: {exc.strerror}") from exc


def pairs(option: str, texts: Sequence[str]) -> Mapping[str, str]:
    """("a=1", "b=x=y") -> {"a": "1", "b": "x=y"}.

    Raises:
        click.UsageError: one has no `=`, or a name comes twice.
    """
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise click.UsageError(f"{option} {text!r} is not NAME=VALUE")
        if name in found:
            raise click.UsageError(f"{option} {name} is given twice")
        found[name] = value
    return found


def _is_text(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
