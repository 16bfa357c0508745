"""An event in forms that other tools take: a request of the HTTP binding, and a curl that sends it.

POST /events HTTP/1.1          curl http://127.0.0.1:4280/events \
ce-specversion: 1.0              -H 'ce-specversion: 1.0' \
…                                …
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Protocol

from chappe.client import paths
from chappe.formats import cloudevents_http, cloudevents_json


class Form(Protocol):
    """Writes one event, of the JSON format, for a hub at a URL."""

    def __call__(self, event: bytes, *, url: str, channel: str) -> bytes: ...


def as_http(event: bytes, *, url: str, channel: str) -> bytes:
    """The request in binary mode, as it stands on the wire."""
    headers, body = cloudevents_http.encode_binary(cloudevents_json.decode(event))
    host = url.partition("://")[2].rstrip("/")
    lines = [
        f"POST {paths.channel_events(channel)} HTTP/1.1".encode(),
        f"host: {host}".encode(),
        *(b"%b: %b" % (name, value) for name, value in headers),
        b"content-length: %d" % len(body),
    ]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body + b"\r\n"


def as_curl(event: bytes, *, url: str, channel: str) -> bytes:
    """A command for a shell: structured mode, which says everything in text."""
    target = shlex.quote(url.rstrip("/") + paths.channel_events(channel))
    media_type = shlex.quote("content-type: application/cloudevents+json")
    return f"curl {target} -H {media_type} -d {shlex.quote(event.decode())}\n".encode()


FORMS: Final[Mapping[str, Form]] = MappingProxyType({"ce-http": as_http, "curl": as_curl})
