"""The demo: publish this repository's history, deliver it to a steady and a shaky sink, ask the hub.

It fails, with words and exit code 1, when anything is not as it has to be: each event settled once for
each subscription, and a payload that breaks its schema refused.
"""

from __future__ import annotations

import asyncio
import shlex
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from rich.console import Console
from rich.live import Live
from rich.text import Text

from chappe.client.hub_client import HubClient
from chappe.domain.errors import ChappeError
from chappe.domain.event import Event
from chappe.testing.http_sink import SinkServer
from demo.history import COMMIT, GROUP, SCHEMAS, SOURCE, TYPES, history
from demo.hub_process import Failed, hub_process, run_cli
from demo.sinks import Sink

SETTLED_WITHIN_S = 40.0
AT_A_TIME = 16
LOOK_S = 0.05
LINE_EVERY_S = 1.0

console = Console(highlight=False, emoji=False, soft_wrap=True)


Look: TypeAlias = Callable[[float], None]


@dataclass(slots=True)
class Counts:
    """What the live table shows."""

    total: int
    accepted: int = 0


def main() -> int:
    """Run the demo; the exit code."""
    try:
        with tempfile.TemporaryDirectory(prefix="chappe-demo-") as directory:
            asyncio.run(_demo(Path(directory)))
    except KeyboardInterrupt:
        console.print("\ninterrupted; the hub is stopped and nothing is left behind")
        return 130
    except Failed as exc:
        console.print(Text(f"demo failed: {exc}", style="red"))
        return 1
    except ChappeError as exc:
        console.print(Text(f"demo failed: {exc.code}: {exc.message}", style="red"))
        return 1
    return 0


async def _demo(directory: Path) -> None:
    loop = asyncio.get_running_loop()
    begun = loop.time()
    told = await history()
    if not told.events:
        raise Failed("neither commits nor CHANGELOG.md are here; nothing to publish")
    sinks = [
        Sink("steady", "takes everything"),
        Sink("shaky", "503 to the first try of every third event, once 429 with Retry-After: 1",
             shaky=True),
    ]  # fmt: skip
    async with AsyncExitStack() as stack:
        _head("A hub, with its engine")
        url = await stack.enter_async_context(hub_process(directory))
        hub = await stack.enter_async_context(HubClient(url))
        ready = await hub.ready()
        _say(f"{url}, {ready.status} after {loop.time() - begun:.1f} s; data in {directory}")

        _head("Two schemas, two subscriptions")
        await _declare(hub)
        for sink in sinks:
            server = SinkServer(sink.answer, recording=True)
            await stack.enter_async_context(server)
            made = await hub.subscribe(
                {"sink": server.url, "protocol": "HTTP", "types": list(TYPES)}
            )
            _say(f"{sink.name:<7} {made.id}: {sink.manner}")

        _head(f"Publish {len(told.events)} events: {told.told}")
        positions = await _publish_and_watch(hub, told.events, sinks)
        await _check(hub, told.events, positions, sinks)

        shaky = sinks[1]
        await _trace_one(url, positions[shaky.hardest])
        await _refuse_one(url)
    _head("Your turn")
    for command in _next_commands():
        console.print(Text(f"  {command}"))


async def _declare(hub: HubClient) -> None:
    for type_, schema in SCHEMAS.items():
        declared = {
            "envelope": "CloudEvents/1.0",
            "envelopemetadata": {"type": {"value": type_}},
            "dataschemaformat": "JSONSchema/draft-07",
            "dataschema": schema,
            "validation": "enforce",
        }
        await hub.declare(GROUP, type_, declared)
        _say(f"schema  {type_}: a payload that breaks it is refused")


async def _publish_and_watch(
    hub: HubClient, events: Sequence[Event], sinks: Sequence[Sink]
) -> dict[str, str]:
    """Publish all and wait until the sinks have all; positions by event id."""
    loop = asyncio.get_running_loop()
    counts = Counts(len(events))
    wanted = {event.id for event in events}
    with _watching(counts, sinks) as look:
        begun = loop.time()
        async with asyncio.TaskGroup() as group:
            publishing = group.create_task(_publish(hub, events, counts), name="publish")
            while not publishing.done() or any(sink.took != wanted for sink in sinks):
                look(loop.time())
                if loop.time() - begun > SETTLED_WITHIN_S:
                    publishing.cancel()
                    raise Failed(
                        f"not all was delivered within {SETTLED_WITHIN_S:.0f} s: "
                        + ", ".join(f"{sink.name} {len(sink.took)}" for sink in sinks)
                        + f" of {len(events)}"
                    )
                await asyncio.sleep(LOOK_S)
        look(loop.time())
    took_s = loop.time() - begun
    positions, accepted_s = publishing.result()
    _say(f"accepted, which means on disk, after {accepted_s:.2f} s; delivered after {took_s:.2f} s")
    return positions


async def _publish(
    hub: HubClient, events: Sequence[Event], counts: Counts
) -> tuple[dict[str, str], float]:
    loop = asyncio.get_running_loop()
    begun = loop.time()
    waiting = iter(events)
    positions: dict[str, str] = {}

    async def producer() -> None:
        for event in waiting:
            receipt = await hub.publish(event)
            positions[event.id] = receipt.position
            counts.accepted += 1

    async with asyncio.TaskGroup() as group:
        for number in range(AT_A_TIME):
            group.create_task(producer(), name=f"producer {number}")
    return positions, loop.time() - begun


async def _check(
    hub: HubClient, events: Sequence[Event], positions: dict[str, str], sinks: Sequence[Sink]
) -> None:
    """Ask the hub itself what became of each event."""
    _head("Ask the hub what became of each event")
    loop = asyncio.get_running_loop()
    until = loop.time() + SETTLED_WITHIN_S
    waiting = iter(positions.values())
    settled = 0

    async def asker() -> None:
        nonlocal settled
        for position in waiting:
            trace = await hub.trace(position)
            while any(one.state != "delivered" for one in trace.subscriptions):
                if loop.time() > until:
                    states = ", ".join(one.state for one in trace.subscriptions)
                    raise Failed(f"{position} is not delivered everywhere: {states}")
                await asyncio.sleep(LOOK_S)
                trace = await hub.trace(position)
            settled += len(trace.subscriptions)

    try:
        async with asyncio.TaskGroup() as group:
            for number in range(AT_A_TIME):
                group.create_task(asker(), name=f"asker {number}")
    except* Failed as exc:
        raise exc.exceptions[0] from None
    expected = len(events) * len(sinks)
    if settled != expected:
        raise Failed(f"{settled} deliveries are settled, {expected} have to be")
    _say(f"{len(events)} events x {len(sinks)} subscriptions = {settled} delivered, none missing")


async def _trace_one(url: str, position: str) -> None:
    _head("One that was tried again")
    arguments = ["event", "trace", position]
    _command(arguments)
    said = await run_cli(url, arguments, color=console.is_terminal)
    if said.code != 0 or "2nd" not in said.out:
        raise Failed(f"the trace shows no second attempt:\n{said.out}{said.err}")
    console.print(Text.from_ansi(said.out.rstrip("\n")))


async def _refuse_one(url: str) -> None:
    _head("One that is refused")
    payload = '{"hash": "not a hash", "subject": "x", "files_changed": "three", "files": []}'
    arguments = ["event", "send", "--type", COMMIT, "--source", SOURCE, "-d", payload]
    _command(arguments)
    said = await run_cli(url, arguments, color=console.is_terminal)
    if said.code != 1 or "/files_changed" not in said.err:
        raise Failed(f"the payload was not refused as it should be:\n{said.out}{said.err}")
    console.print(Text.from_ansi(said.err.rstrip("\n")))
    _say(f"exit code {said.code}; nothing was stored")


@contextmanager
def _watching(counts: Counts, sinks: Sequence[Sink]) -> Iterator[Look]:
    if console.is_terminal:
        with Live(console=console, auto_refresh=False) as live:
            yield lambda _: live.update(Text("\n".join(_table(counts, sinks))), refresh=True)
        return
    shown_s = float("-inf")

    def look(now_s: float) -> None:
        nonlocal shown_s
        if now_s - shown_s >= LINE_EVERY_S:
            shown_s = now_s
            numbers = "; ".join(f"{sink.name} {len(sink.took)}" for sink in sinks)
            _say(f"accepted {counts.accepted} of {counts.total}; delivered: {numbers}")

    yield look
    for line in _table(counts, sinks):
        console.print(Text(line))


def _table(counts: Counts, sinks: Sequence[Sink]) -> Iterator[str]:
    yield f"  {'':<8}{'accepted':>10}{'delivered':>11}{'retried':>9}"
    for sink in sinks:
        yield f"  {sink.name:<8}{counts.accepted:>10}{len(sink.took):>11}{sink.retried:>9}"


def _next_commands() -> Iterator[str]:
    directory = Path(sys.executable).parent
    here = Path.cwd()
    shown = directory.relative_to(here) if directory.is_relative_to(here) else directory
    chappe = shlex.quote(str(shown / "chappe"))
    python = shlex.quote(str(shown / "python"))
    yield f"{chappe} dev                     # a hub, until Ctrl-C; then, in other terminals:"
    yield f"{python} -m demo.sink 9000       # a sink that prints what it gets"
    yield f"{chappe} sub create --type order.paid --to http://127.0.0.1:9000/"
    yield f"{chappe} event send --type order.paid --id A-1017 -d '{{\"total\": 12.5}}'"
    yield f"{chappe} event trace A-1017 --wait 5"


def _command(arguments: Sequence[str]) -> None:
    console.print(Text(f"$ chappe {shlex.join(arguments)}", style="bold"))


def _head(text: str) -> None:
    console.print(Text(f"\n{text}", style="bold cyan"))


def _say(text: str) -> None:
    console.print(Text(f"  {text}"))


if __name__ == "__main__":
    sys.exit(main())
