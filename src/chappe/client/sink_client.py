"""The client of any sink of CloudEvents, by its whole address, as Knative's SinkBinding gives it.

    K_SINK=http://hub:4280/channels/orders/events      where each event is posted to, path and all
    K_CE_OVERRIDES={"extensions": {"team": "shop"}}    extensions that each event gets
    K_CA_CERTS=-----BEGIN CERTIFICATE-----…            authorities that are trusted beside the system's

    async with SinkClient.from_environment(os.environ) as sink:
        await sink.send(event)

Events go one by one, in structured mode: what any receiver of CloudEvents takes. Any answer of 2xx means
that the sink has it (http-webhook.md 2.1).
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from types import TracebackType
from typing import Final
from urllib.parse import urlsplit

import msgspec

from chappe.client.http1 import Http1, Origin
from chappe.client.problems import error_of
from chappe.client.transport import Answer
from chappe.domain import attributes
from chappe.domain.errors import ChappeError, Malformed
from chappe.domain.event import CORE_ATTRIBUTES, Event
from chappe.formats import cloudevents_json

SINK: Final = "K_SINK"
OVERRIDES: Final = "K_CE_OVERRIDES"
CERTIFICATES: Final = "K_CA_CERTS"
DEFAULT_TIMEOUT_S: Final = 30.0

_EVENT: Final = "application/cloudevents+json"
_encode = msgspec.json.Encoder().encode
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class SinkClient:
    """One address; safe to be used by many tasks at a time.

    Raises:
        Malformed: the address is no http or https URL, or the certificates are none.
    """

    def __init__(
        self,
        sink: str,
        *,
        extensions: Mapping[str, str] | None = None,
        token: str | None = None,
        certificates: str | None = None,
        timeout_s: float = DEFAULT_TIMEOUT_S,
    ) -> None:
        origin, self._target = _parted(sink)
        self._http = Http1(origin, tls=_trusting(certificates))
        self._extensions = {
            name: msgspec.Raw(_encode(value)) for name, value in (extensions or {}).items()
        }
        self._headers = {"content-type": _EVENT, "accept": "*/*"}
        if token:
            self._headers["authorization"] = f"Bearer {token}"
        self._timeout_s = timeout_s

    @classmethod
    def from_environment(
        cls,
        environ: Mapping[str, str],
        *,
        token: str | None = None,
        timeout_s: float = DEFAULT_TIMEOUT_S,
    ) -> SinkClient:
        """What SinkBinding says in K_SINK, K_CE_OVERRIDES and K_CA_CERTS.

        Raises:
            Malformed: K_SINK is missing, or one of them is wrong; the message names it.
        """
        sink = environ.get(SINK, "")
        if not sink:
            raise Malformed(f"{SINK}: is missing; it is the address that events are sent to")
        return cls(
            sink,
            extensions=read_overrides(environ.get(OVERRIDES, "")),
            token=token,
            certificates=environ.get(CERTIFICATES) or None,
            timeout_s=timeout_s,
        )

    async def __aenter__(self) -> SinkClient:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the kept connections."""
        await self._http.close()

    async def send(self, event: Event) -> Answer:
        """Send one event. Raises as `send_json`."""
        return await self.send_json(cloudevents_json.encode(event))

    async def send_json(self, event: bytes) -> Answer:
        """Send one event in the JSON format; nothing but the overriding extensions is changed.

        Raises:
            CallerError: the sink refuses it, or it is no JSON object.
            Unavailable: the sink may or may not have it; send it again.
        """
        answer = await self._http.ask(
            "POST",
            self._target,
            headers=self._headers,
            body=self._overridden(event),
            timeout_s=self._timeout_s,
        )
        if answer.status >= 300:
            raise error_of(answer)
        return answer

    def _overridden(self, event: bytes) -> bytes:
        if not self._extensions:
            return event
        try:
            members = _members(event)
        except (msgspec.MsgspecError, RecursionError) as exc:
            raise Malformed(f"event: is no JSON object ({exc})") from None
        return _encode({**members, **self._extensions})


def read_overrides(text: str) -> dict[str, str]:
    """The extensions of K_CE_OVERRIDES; none where it is empty.

    Raises:
        Malformed: it is not {"extensions": {NAME: TEXT}}, or a name is none of an extension.
    """
    if not text.strip():
        return {}
    try:
        found = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
        extensions = msgspec.json.decode(
            found.get("extensions", msgspec.Raw(b"{}")), type=dict[str, str] | None
        )
    except (msgspec.MsgspecError, RecursionError) as exc:
        raise Malformed(f'{OVERRIDES}: is not {{"extensions": {{NAME: TEXT}}}} ({exc})') from None
    for name in extensions or {}:
        try:
            attributes.check_name(name)
        except ChappeError as exc:
            raise Malformed(f"{OVERRIDES}: {exc.message}") from exc
        if name in CORE_ATTRIBUTES or name in ("data", "data_base64"):
            raise Malformed(f"{OVERRIDES}: {name!r} is no extension; those alone are set there")
    return extensions or {}


def _parted(sink: str) -> tuple[Origin, str]:
    """http://hub/channels/x/events?a=b -> the origin, "/channels/x/events?a=b"."""
    try:
        parts = urlsplit(sink)
    except ValueError as exc:
        raise Malformed(f"{SINK}: {sink!r} is no URL ({exc})") from exc
    target = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
    if not all("!" <= character <= "~" for character in target):
        raise Malformed(f"{SINK}: {sink!r} holds characters that a URL has to encode")
    try:
        return Origin.parse(f"{parts.scheme}://{parts.netloc}"), target
    except Malformed as exc:
        raise Malformed(f"{SINK}: {exc.message}") from exc


def _trusting(certificates: str | None) -> ssl.SSLContext | None:
    if certificates is None:
        return None
    context = ssl.create_default_context()
    try:
        context.load_verify_locations(cadata=certificates)
    except (ssl.SSLError, ValueError) as exc:
        raise Malformed(f"{CERTIFICATES}: holds no certificates in PEM ({exc})") from exc
    return context
