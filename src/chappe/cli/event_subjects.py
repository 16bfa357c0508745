"""What `chappe event validate` judges: events or payloads of files, each with the place it stands at."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click
import msgspec

from chappe.cli.places import Place, Placed, Unreadable, values
from chappe.cli.report_formats import Finding
from chappe.client.views import Judged, Warned
from chappe.domain.errors import CallerError, InvalidEvent
from chappe.domain.event import Event
from chappe.formats import cloudevents_json

MAX_BYTES: Final = 64 * 1024 * 1024  # of one file, as registry files


class _Event(msgspec.Struct):
    """An event in the JSON format; anything else is a payload."""

    specversion: msgspec.Raw
    data: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    data_base64: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


@dataclass(frozen=True, slots=True)
class Subject:
    """One thing to judge: `name` is "event 2" or "payload 1"; `file` None: it is from no file."""

    name: str
    body: bytes
    file: str | None = None
    placed: Placed | None = None
    unreadable: Unreadable | None = None
    """What follows in the file is no JSON or YAML; `body` is empty then."""

    @property
    def is_event(self) -> bool:
        """Whether it is a whole event; else it is a payload."""
        return _event_of(self.body) is not None

    def place(self, error: Warned, verdict: Judged) -> Place | None:
        """Where the offending value stands; of something that is missing: what misses it."""
        if self.unreadable is not None:
            return self.unreadable.place
        if self.placed is None:
            return None
        return self.placed.at(self._pointer(error, verdict))

    def _pointer(self, error: Warned, verdict: Judged) -> str:
        event = _event_of(self.body)
        if event is None:
            return error.pointer
        if verdict.type is None and verdict.schema is None:
            # No payload was looked at: a rule of CloudEvents is named after its attribute.
            return f"/{error.rule}"
        if event.data is msgspec.UNSET and event.data_base64 is not msgspec.UNSET:
            return "/data_base64"
        return f"/data{error.pointer}"

    def payload(self, content_type: str) -> tuple[bytes | None, str | None, str | None]:
        """The payload, its media type, and the type of the event that it is of.

        Raises:
            InvalidEvent, CallerError: it is an event, but no valid one.
        """
        if not self.is_event:
            return self.body, content_type, None
        event: Event = cloudevents_json.decode(self.body)
        return event.data, event.datacontenttype, event.type


def subjects_of(
    files: Sequence[str], *, content_type: str = "application/json"
) -> Iterator[Subject]:
    """The events (or payloads) of files; - is standard input.

    Raises:
        click.UsageError: a file cannot be read, or is no UTF-8.
    """
    for file in files:
        before = f"{file} " if len(files) > 1 else ""
        place = None if file == "-" else file
        raw = _read(file)
        if not _is_json(content_type):
            yield Subject(f"{before}payload", raw, place)
            continue
        number = 0
        try:
            for number, one in enumerate(values(_text(file, raw), yaml=_is_yaml(file)), start=1):
                kind = "payload" if _event_of(one.body) is None else "event"
                yield Subject(f"{before}{kind} {number}", one.body, place, one)
        except Unreadable as exc:
            yield Subject(f"{before}event {number + 1}", b"", place, unreadable=exc)


def unreadable(error: Unreadable) -> Judged:
    """The verdict on what is no JSON."""
    return Judged(valid=False, errors=[Warned(rule="json", message=error.message)])


def invalid(error: CallerError) -> Judged:
    """The verdict on what breaks the CloudEvents specification itself, as the hub gives it."""
    if not isinstance(error, InvalidEvent):
        return Judged(valid=False, errors=[Warned(rule="event", message=error.message)])
    details = error.details
    said = f"{details['rule']} ({details['spec']})"
    return Judged(
        valid=False,
        errors=[Warned(rule=str(details["attribute"]), value=str(details["value"]), message=said)],
    )


def findings(subject: Subject, verdict: Judged, owner: str) -> list[Finding]:
    """For CI systems."""
    found = []
    for one in verdict.errors:
        place = subject.place(one, verdict)
        line, column = (place.line, place.column) if place else (None, None)
        message = f"{subject.name}: {one.message}" + (f" (owner: {owner})" if owner else "")
        found.append(
            Finding(one.rule, message, subject.file, line, where=one.pointer, column=column)
        )
    return found


def _event_of(body: bytes) -> _Event | None:
    try:
        return msgspec.json.decode(body, type=_Event)
    except msgspec.MsgspecError:
        return None


def _read(file: str) -> bytes:
    try:
        if file == "-":
            read = sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            with Path(file).open("rb") as stream:
                read = stream.read(MAX_BYTES + 1)
    except OSError as exc:
        raise click.UsageError(f"{file}: {exc.strerror or exc}") from exc
    if len(read) > MAX_BYTES:
        raise click.UsageError(f"{file}: is over {MAX_BYTES // 2**20} MiB; part it")
    return read


def _text(file: str, read: bytes) -> str:
    try:
        return read.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise click.UsageError(f"{file}: is not UTF-8 (byte {exc.start})") from exc


def _is_yaml(file: str) -> bool:
    return file.lower().endswith((".yaml", ".yml"))


def _is_json(content_type: str) -> bool:
    essence = content_type.partition(";")[0].strip().lower()
    return essence == "application/json" or essence.endswith(("+json", "/json"))
