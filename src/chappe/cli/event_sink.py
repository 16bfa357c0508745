"""Sending to an address that the environment names (K_SINK) instead of a hub: `chappe event send`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click
import msgspec

from chappe.cli.event_input import Batch
from chappe.cli.event_send import Item
from chappe.cli.session import Session
from chappe.client.sink_client import CERTIFICATES, OVERRIDES, SINK, SinkClient
from chappe.domain.errors import ChappeError

_HIDDEN = {"k_sink": SINK, "k_ce_overrides": OVERRIDES, "k_ca_certs": CERTIFICATES}


def sink_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a command `k_sink`, `k_ce_overrides` and `k_ca_certs` from the environment."""
    for name, variable in reversed(_HIDDEN.items()):
        option = f"--{name.replace('_', '-')}"
        command = click.option(option, name, envvar=variable, hidden=True)(command)
    return command


def sink_of(
    session: Session, sink: str | None, *, overrides: str | None, certificates: str | None
) -> Mapping[str, str] | None:
    """What the environment says of an address, where nobody named a hub."""
    if session.hub_named or not sink:
        return None
    return {SINK: sink, OVERRIDES: overrides or "", CERTIFICATES: certificates or ""}


@dataclass(slots=True)
class SinkSender:
    """Sends one by one and prints the id of each that the sink has; `sent` counts them."""

    session: Session
    environ: Mapping[str, str]
    sent: int = 0

    def run(self, events: Iterable[Item] | Sequence[bytes], rate_per_s: float | None) -> None:
        """Send them all, in their order.

        Raises:
            ChappeError: one was refused; the sink has those before it.
        """
        asyncio.run(self._run(events, rate_per_s))

    async def _run(
        self, events: Iterable[Item] | Sequence[bytes], rate_per_s: float | None
    ) -> None:
        begun = asyncio.get_running_loop().time()
        client = SinkClient.from_environment(
            self.environ, token=self.session.token, timeout_s=self.session.timeout_s
        )
        async with client as sink:
            for item in events:
                if rate_per_s is not None:
                    due = begun + self.sent / rate_per_s
                    await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))
                match item:
                    case bytes():
                        await self._send(sink, item)
                    case Batch(batch):
                        for one in batch:
                            await self._send(sink, one)
                    case _:
                        await self._send(sink, item.event)

    async def _send(self, sink: SinkClient, event: bytes) -> None:
        try:
            answer = await sink.send_json(event)
        except ChappeError as exc:
            if self.sent:
                exc.message = f"{exc.message} ({self.sent} sent before it)"
            raise
        self.sent += 1
        id_ = _id_of(event)
        if self.session.output in ("json", "jsonl"):
            shown = {"id": id_, "status": answer.status}
            self.session.say(msgspec.json.encode(shown).decode())
        else:
            self.session.say(id_)


class _Named(msgspec.Struct):
    id: str = ""


def _id_of(event: bytes) -> str:
    return msgspec.json.decode(event, type=_Named).id
