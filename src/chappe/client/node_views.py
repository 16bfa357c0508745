"""The nodes of a hub as GET /nodes tells them, and what that means for whoever looks after it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from chappe.client.findings import Finding

_UNHEARD = "see whether it runs and reaches NATS; another node takes its shards over within seconds"
_UNOWNED = "look again in some seconds; if it stays, the hub's log says why no node takes them"
_UNREADY = "chappe doctor --url URL, of that node, says which check fails"
_VERSIONS = "bring all nodes to one version, one after the other (docs/operations.md)"
_BEHIND = "look again in some seconds; if it stays, the log of that node says why"
_ALONE = "see whether NATS runs and this node reaches it"


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """What a node says of itself; rates are of the last quarter of a minute."""

    node: str
    version: str
    started: str
    answers: bool = False
    url: str = ""
    host: str = ""
    pid: int = 0
    status: str = "ready"
    failing: Sequence[str] = ()
    shards: Sequence[str] = ()
    open: int = 0
    accepted: int = 0
    accepted_per_s: float | None = None
    attempts: int = 0
    attempts_per_s: float | None = None
    cpu: float | None = None
    memory_bytes: int | None = None
    registry_revision: int = 0

    @property
    def state(self) -> str:
        """The status, with the checks that fail: "not ready: disk"."""
        return f"{self.status}: {', '.join(self.failing)}" if self.failing else self.status


class Missing(msgspec.Struct, frozen=True, kw_only=True):
    """A shard that nobody answered for."""

    shard: str
    node: str = ""


class Roll(msgspec.Struct, frozen=True, kw_only=True):
    """The nodes that answered, and what is missing."""

    nodes: Sequence[Node]
    complete: bool = True
    missing: Sequence[Missing] = ()

    @property
    def asked(self) -> Node:
        """The one that was asked."""
        return next((one for one in self.nodes if one.answers), self.nodes[0])

    @property
    def silent(self) -> Mapping[str, Sequence[str]]:
        """Roll that hold leases and do not answer, with their shards."""
        found: defaultdict[str, list[str]] = defaultdict(list)
        for one in self.missing:
            if one.node:
                found[one.node].append(one.shard)
        return found

    @property
    def unowned(self) -> Sequence[str]:
        """Shards that no node is known to own."""
        return [one.shard for one in self.missing if not one.node]

    def behind(self, node: Node) -> int:
        """How many revisions of the registry a node lags behind the one that was asked."""
        return max(0, self.asked.registry_revision - node.registry_revision)


def shards_said(shards: Iterable[str]) -> str:
    """["default.0", "default.1", "default.3", "orders.0"] -> "default 0-1,3; orders 0"."""
    numbers: defaultdict[str, set[int]] = defaultdict(set)
    for shard in shards:
        channel, _, number = shard.rpartition(".")
        if number.isdecimal():
            numbers[channel].add(int(number))
        else:
            numbers[shard] |= set()  # of a version that names them otherwise
    return "; ".join(f"{one} {_ranges(sorted(of))}".rstrip() for one, of in sorted(numbers.items()))


def finding(found: Roll) -> Finding:
    """How many nodes there are, and what is amiss with them."""
    here = found.asked
    amiss: list[tuple[str, str]] = [
        (f"{node} does not answer ({shards_said(shards)})", _UNHEARD)
        for node, shards in found.silent.items()
    ]
    if found.unowned:
        amiss.append((f"nobody delivers {shards_said(found.unowned)}", _UNOWNED))
    if not found.complete and not found.missing:
        amiss.append(("others cannot be asked while the engine is away", _ALONE))
    for one in found.nodes:
        if one.status != "ready" and one is not here:
            amiss.append((f"{one.node} is {one.state}", _UNREADY))
        if one.version != here.version:
            amiss.append((f"{one.node} is of version {one.version}, not {here.version}", _VERSIONS))
        if found.behind(one):
            late = f"{one.node} is {found.behind(one)} revisions of the registry behind"
            amiss.append((late, _BEHIND))
    count = len(found.nodes)
    said = "1 node answers" if count == 1 else f"{count} nodes answer"
    if not amiss:
        names = ", ".join(one.node for one in found.nodes[:8])
        return Finding("nodes", "ok", f"{said}: {names}{', …' if count > 8 else ''}")
    troubles = "; ".join(trouble for trouble, _ in amiss)
    return Finding("nodes", "warn", f"{said}; {troubles}", amiss[0][1])


def _ranges(numbers: Sequence[int]) -> str:
    """[0, 1, 2, 5] -> "0-2,5"."""
    found: list[list[int]] = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in found)
