"""What the check of a payload costs when an event comes in, and its share of what taking it in costs.

    python -m bench inline

CPU time, never wall clock. The check: the hub's own flow in this process, from the event to the
verdict, the schema a version of the registry that the type's message names; the best of some rounds.
Taking in: a hub of its own, over HTTP, on disk, the process's CPU time (without its engine's) for each
event of a type without a declaration, with the same payload; the median of rounds that are interleaved
with those of the checked type, so that what the check adds to a request is seen as well.
"""

from __future__ import annotations

import asyncio
import base64
import os
import statistics
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bench import load, processes
from bench.orders import Sample, samples
from chappe.adapters.memory.registry_log import MemoryRegistryLog
from chappe.adapters.protoc.compiler import ProtocCompiler
from chappe.adapters.system.clock import SystemClock
from chappe.adapters.system.secrets import SystemSecrets
from chappe.domain.event import Event
from chappe.flows.check import Check
from chappe.flows.confluent import Confluent
from chappe.flows.frames import Frames
from chappe.flows.materialise import Materialise
from chappe.flows.register import Register
from chappe.formats.confluent.parsing import Parser
from chappe.formats.languages import every_language
from chappe.kit.latest import Latest
from chappe.registry.state import empty
from chappe.testing.hub_registry import hub_tree, writing

CALLS = 20_000
CALL_ROUNDS = 7
CONNECTIONS = 16
SECONDS = 2.0
ROUNDS = 3
MOST_SHARE = 0.10

_TICKS = os.sysconf("SC_CLK_TCK")


class Row(NamedTuple):
    """One payload: CPU µs of its check, of taking it in unchecked and checked."""

    sample: Sample
    check_us: float
    plain_us: float
    checked_us: float

    @property
    def share(self) -> float:
        return self.check_us / self.plain_us


def main() -> None:
    """Measure and print."""
    found = samples()
    checks = asyncio.run(_checks(found))
    rows = _taken_in(found, checks)
    print("\nChecks of payloads when events come in, CPU µs an event")
    print("  check: the hub's flow in this process, best of 7 rounds of 20,000; framed: the same")
    print("  payload behind Confluent's frame; taken in, checked: the hub's process over HTTP, 16")
    print("  callers, on disk, medians of 3 interleaved rounds; share: check of taken in\n")
    print("  payload        bytes |  check    aim | framed | taken in  checked   share")
    for row, framed in zip(rows, checks, strict=True):
        aim = "" if row.sample.aim_us is None else f"{row.sample.aim_us:.0f}"
        beside = "" if framed[1] is None else f"{framed[1]:.2f}"
        print(
            f"  {row.sample.name:<12} {len(row.sample.data):7} | {row.check_us:6.2f} {aim:>6} |"
            f" {beside:>6} | {row.plain_us:8.1f} {row.checked_us:8.1f} {row.share:7.1%}"
        )
    print(f"  aim: a share of at most {MOST_SHARE:.0%}")


async def _checks(found: Sequence[Sample]) -> list[tuple[float, float | None]]:
    """CPU µs of each check, and of the same payload in a frame where the language has frames."""
    compiler = ProtocCompiler()
    languages = every_language(compiler)
    state, clock = Latest(empty(1)), SystemClock()
    log, secrets = MemoryRegistryLog(), SystemSecrets(b"k" * 32)
    await Materialise(log, state, clock, secrets, shards=1).found(
        hub_tree(offer=languages.offer), by="bench"
    )

    async def last_block(_: str, start: str) -> int:
        return 0

    register = Register(
        log, state, clock, secrets, lambda: "s-1", last_block, languages, languages.offer
    )
    for one in found:
        for path, body in _declared(one):
            await register.write(writing("PUT", path, body), by="bench")
    confluent = Confluent(state, register, Parser(languages))
    index = await confluent.ready(by="bench")
    ids = {place[1]: index.subject(index.places[place]) for place in index.places}
    check = Check(state, languages, by_frame=Frames(confluent.index, confluent.parser))
    results: list[tuple[float, float | None]] = []
    for one in found:
        plain = _micros(check, _event(one, one.name, one.data, one.content_type))
        subject, framed = ids.get(one.name), None
        if subject is not None and subject.latest is not None:
            head = b"\x00" + subject.latest.id.to_bytes(4, "big")
            head += b"\x00" if one.language == "Protobuf" else b""
            media_type = {"JsonSchema": "json"}.get(one.language, one.language.lower())
            kind = f"application/vnd.confluent.{media_type}"
            framed = _micros(check, _event(one, one.name, head + one.data, kind))
        results.append((plain, framed))
    compiler.close()
    return results


def _declared(one: Sample) -> list[tuple[str, Any]]:
    """What the registry is told of a type."""
    xid = f"/schemagroups/default/schemas/{one.name}"
    document = base64.b64encode(one.schema.encode()).decode()
    message = {
        "envelope": "CloudEvents/1.0",
        "envelopemetadata": {"type": {"value": one.name}},
        "dataschemaxid": xid,
        "validation": "enforce",
    }
    return [
        (f"{xid}$details", {"format": one.format, "schemabase64": document}),
        (f"/messagegroups/bench/messages/{one.name}", message),
    ]


def _event(one: Sample, type_: str, data: bytes, content_type: str) -> Event:
    return Event(
        id="6e8bc430", source="/bench", type=type_, datacontenttype=content_type, data=data
    )


def _micros(check: Check, event: Event) -> float:
    verdict = check(event)
    assert verdict is not None
    assert not verdict.violations, verdict.violations
    best = float("inf")
    for _ in range(CALL_ROUNDS):
        start = time.process_time()
        for _ in range(CALLS):
            check(event)
        best = min(best, time.process_time() - start)
    return best / CALLS * 1e6


def _taken_in(found: Sequence[Sample], checks: Sequence[tuple[float, float | None]]) -> list[Row]:
    with processes.hub_process() as (hub, pid):
        for one in found:
            for path, body in _declared(one):
                processes.call("PUT", f"{hub}{path}", body)
        rounds: list[list[tuple[float, float]]] = [[] for _ in found]
        for _ in range(ROUNDS):
            for place, one in enumerate(found):
                plain = _cpu_us(pid, hub, one, "undeclared")
                rounds[place].append((plain, _cpu_us(pid, hub, one, one.name)))
    return [
        Row(
            one,
            check,
            statistics.median(plain for plain, _ in pairs),
            statistics.median(checked for _, checked in pairs),
        )
        for one, (check, _), pairs in zip(found, checks, rounds, strict=True)
    ]


def _cpu_us(pid: int, hub: str, one: Sample, type_: str) -> float:
    """CPU time of the hub's process for one event."""
    before, count = _cpu_s(pid), _accepted(hub)
    found = load.single(
        f"{hub}/events",
        CONNECTIONS,
        SECONDS,
        type_=type_,
        data=one.data,
        content_type=one.content_type,
    )
    if found.errors:
        raise SystemExit(f"{found.errors} requests were refused; the figures mean nothing")
    return (_cpu_s(pid) - before) / (_accepted(hub) - count) * 1e6


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _accepted(hub: str) -> int:
    with urllib.request.urlopen(f"{hub}/metrics", timeout=30) as answer:
        for line in answer.read().decode().splitlines():
            if line.startswith("chappe_events_accepted_total"):
                return int(float(line.rpartition(" ")[2]))
    raise SystemExit("the hub does not count its events")
