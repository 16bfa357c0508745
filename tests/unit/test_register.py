"""Declaring, following what was declared, and checking payloads against it."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from typing_extensions import override

from chappe.adapters.memory.registry_log import MemoryRegistryLog
from chappe.adapters.system.secrets import SystemSecrets
from chappe.domain.channel import Channel
from chappe.domain.errors import Conflict, Malformed, NotFound, Unavailable
from chappe.domain.event import Event
from chappe.domain.subscription import Credential
from chappe.flows.check import Check
from chappe.flows.materialise import Materialise
from chappe.flows.register import Register
from chappe.formats.declaration_json import DeclarationDraft
from chappe.formats.sink_settings import CredentialDraft
from chappe.formats.subscription_json import Start, SubscriptionDraft
from chappe.kit.latest import Latest
from chappe.ports.registry_log import Commit, Snapshot
from chappe.registry.state import State, empty
from chappe.testing.fake_clock import FakeClock

KEY = b"k" * 32
DRAFT = SubscriptionDraft(sink="https://billing.example/events")


@dataclass
class Hub:
    """One node: what writes, and what follows."""

    log: MemoryRegistryLog = field(default_factory=MemoryRegistryLog)
    key: bytes = KEY
    snapshot_every: int = 500
    blocks: dict[str, int] = field(default_factory=lambda: {"default": 41})
    made: int = 0

    def __post_init__(self) -> None:
        self.clock = FakeClock()
        self.state: Latest[State] = Latest(empty())
        secrets = SystemSecrets(self.key)
        self.register = Register(
            self.log, self.state, self.clock, secrets, self._new_id, self._extent
        )
        self.materialise = Materialise(
            self.log, self.state, self.clock, secrets, snapshot_every=self.snapshot_every
        )

    def _new_id(self) -> str:
        self.made += 1
        return f"s-{id(self)}-{self.made}"

    async def _extent(self, channel: str) -> int:
        return self.blocks[channel]

    @contextlib.asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        await self.materialise.load()
        task = asyncio.ensure_future(self.materialise.run())
        try:
            async with asyncio.timeout(10):
                yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def plain(secret: str | None, sink: str = DRAFT.sink) -> SubscriptionDraft:
    return SubscriptionDraft(sink=sink, credential=CredentialDraft("PLAIN", "me", secret))


def declared(
    type_: str = "order.paid", group: str = "shop", schema: str = '{"type":"object"}'
) -> DeclarationDraft:
    return DeclarationDraft(group, type_, "JSONSchema", schema.encode())


# Subscriptions


async def test_a_subscription_is_there_when_the_write_returns() -> None:
    hub = Hub()
    made = await hub.register.create_subscription(DRAFT, by="ops")
    assert hub.state.value.subscriptions == {made.id: made}
    assert (made.epoch, made.created_at, made.modified_at) == (
        1,
        "2023-11-14T22:13:20.000Z",
        "2023-11-14T22:13:20.000Z",
    )


async def test_the_log_tells_who_and_when() -> None:
    hub = Hub()
    await hub.register.create_subscription(DRAFT, by="ops")
    (commit,) = await hub.log.read(0)
    written = json.loads(commit.transaction)
    assert (written["by"], written["at"]) == ("ops", "2023-11-14T22:13:20.000Z")


@pytest.mark.parametrize(("start", "after"), [(None, 41), ("latest", 41), ("earliest", 0)])
async def test_it_starts_where_the_draft_says(start: Start | None, after: int) -> None:
    draft = SubscriptionDraft(sink=DRAFT.sink, start=start)
    assert (await Hub().register.create_subscription(draft)).starts_after == after


async def test_a_channel_that_does_not_exist_is_refused() -> None:
    with pytest.raises(Malformed, match="channel: 'orders' does not exist; there are: attempts"):
        await Hub().register.create_subscription(
            SubscriptionDraft(sink="http://h", channel="orders")
        )


async def test_an_id_that_was_sent_is_ignored_when_it_is_made() -> None:
    draft = SubscriptionDraft(sink=DRAFT.sink, id="mine")
    assert (await Hub().register.create_subscription(draft)).id != "mine"


async def test_a_replacement_keeps_what_is_fixed_and_grows_the_epoch() -> None:
    hub = Hub()
    made = await hub.register.create_subscription(SubscriptionDraft(sink="http://a/", epoch=9))
    hub.blocks["default"] = 99
    kept = await hub.register.replace_subscription(
        made.id, SubscriptionDraft(sink="http://b/", types=frozenset({"t"}), epoch=1)
    )
    assert (kept.id, kept.starts_after, kept.created_at) == (made.id, 41, made.created_at)
    assert (kept.sink, kept.types, kept.epoch) == ("http://b/", frozenset({"t"}), 2)
    assert hub.state.value.subscriptions[made.id] == kept


async def test_a_replacement_with_an_old_epoch_is_a_conflict_and_changes_nothing() -> None:
    hub = Hub()
    made = await hub.register.create_subscription(DRAFT)
    kept = await hub.register.replace_subscription(made.id, DRAFT)
    with pytest.raises(Conflict, match="epoch 1 was sent, the present one is 2"):
        await hub.register.replace_subscription(
            made.id, SubscriptionDraft(sink="http://b/", epoch=1)
        )
    assert hub.state.value.subscriptions[made.id] == kept


@pytest.mark.parametrize(
    ("draft", "message"),
    [
        (SubscriptionDraft(sink="http://b/", id="other"), "id: 'other' is not that of the path"),
        (SubscriptionDraft(sink="http://b/", channel="attempts"), "channel: 'attempts' was sent"),
        (SubscriptionDraft(sink="http://b/", start="earliest"), "start: 'earliest' was sent"),
    ],
)
async def test_a_replacement_cannot_change_what_is_fixed(
    draft: SubscriptionDraft, message: str
) -> None:
    hub = Hub()
    made = await hub.register.create_subscription(DRAFT)
    with pytest.raises(Malformed, match=message):
        await hub.register.replace_subscription(made.id, draft)


async def test_a_removed_subscription_is_gone_and_its_last_state_answered() -> None:
    hub = Hub()
    made = await hub.register.create_subscription(DRAFT)
    assert await hub.register.remove_subscription(made.id) == made
    assert hub.state.value.subscriptions == {}


async def test_what_does_not_exist_is_not_found() -> None:
    register = Hub().register
    for work in (
        register.remove_subscription("s-x"),
        register.replace_subscription("s-x", DRAFT),
        register.remove_declaration("shop", "order.paid"),
    ):
        with pytest.raises(NotFound, match="does not exist"):
            await work


# Secrets


async def test_a_secret_that_is_not_sent_stays() -> None:
    hub = Hub()
    made = await hub.register.create_subscription(plain("hunter2"))
    moved = plain(None, sink=f"{DRAFT.sink}/v2")
    kept = await hub.register.replace_subscription(made.id, moved)
    assert kept.credential == Credential("PLAIN", "me", "hunter2")


async def test_a_kept_secret_goes_to_no_other_origin() -> None:
    hub = Hub()
    made = await hub.register.create_subscription(plain("hunter2"))
    with pytest.raises(Malformed, match="sinkcredential/secret: must be sent again"):
        await hub.register.replace_subscription(made.id, plain(None, sink="https://evil.example/"))


async def test_a_credential_without_any_secret_is_refused() -> None:
    hub = Hub()
    made = await hub.register.create_subscription(DRAFT)
    for work in (
        hub.register.create_subscription(plain(None)),
        hub.register.replace_subscription(made.id, plain(None)),
    ):
        with pytest.raises(Malformed, match="sinkcredential/secret: is missing and is required"):
            await work


async def test_secrets_lie_sealed_and_open_on_another_node_with_the_key() -> None:
    hub = Hub(snapshot_every=1)
    made = await hub.register.create_subscription(plain("hunter2"))
    assert b"hunter2" not in (await hub.log.read(0))[0].transaction
    other = Hub(hub.log)
    await other.materialise.load()
    assert other.state.value.subscriptions[made.id] == made


async def test_a_node_with_another_key_says_so() -> None:
    hub = Hub()
    await hub.register.create_subscription(plain("hunter2"))
    with pytest.raises(Unavailable, match="sealed with another key"):
        await Hub(hub.log, key=b"x" * 32).materialise.load()


# Declarations


async def test_a_declaration_is_made_then_replaced_then_removed() -> None:
    register = Hub().register
    first, made = await register.put_declaration(declared())
    assert (made, first.epoch) == (True, 1)
    second, made = await register.put_declaration(declared(schema="true"))
    assert (made, second.epoch, second.schema) == (False, 2, b"true")
    assert await register.remove_declaration("shop", "order.paid") == second


async def test_a_type_is_declared_once_over_all_groups() -> None:
    hub = Hub()
    await hub.register.put_declaration(declared())
    with pytest.raises(Conflict, match="declared in the group 'shop' already"):
        await hub.register.put_declaration(declared(group="billing"))
    with pytest.raises(NotFound):
        await hub.register.remove_declaration("billing", "order.paid")


async def test_what_is_no_schema_is_refused_and_not_stored() -> None:
    hub = Hub()
    with pytest.raises(Malformed, match="dataschema: /type"):
        await hub.register.put_declaration(declared(schema='{"type":"nonsense"}'))
    assert await hub.log.read(0) == []


# Several nodes


async def test_a_node_that_was_behind_decides_again_on_what_the_others_did() -> None:
    one, two = Hub(), Hub()
    two = Hub(one.log)
    made = await one.register.create_subscription(DRAFT)
    kept = await two.register.replace_subscription(
        (await two.register.create_subscription(DRAFT)).id, DRAFT
    )
    assert two.state.value.subscriptions == {made.id: made, kept.id: kept}
    await one.register.put_declaration(declared())
    with pytest.raises(Conflict, match="declared in the group 'shop'"):
        await two.register.put_declaration(declared(group="billing"))


async def test_concurrent_writers_of_many_nodes_all_get_in() -> None:
    log = MemoryRegistryLog()
    hubs = [Hub(log) for _ in range(4)]
    made = await asyncio.gather(
        *(hub.register.create_subscription(DRAFT) for hub in hubs for _ in range(10))
    )
    await hubs[0].materialise.load()
    assert hubs[0].state.value.subscriptions.keys() == {each.id for each in made}


class CrowdedLog(MemoryRegistryLog):
    """Somebody else is always faster."""

    @override
    async def commit(self, transaction: bytes, *, expected_revision: int) -> int:
        raise Conflict("registry: somebody was faster")


async def test_a_writer_that_never_wins_gives_up() -> None:
    with pytest.raises(Unavailable, match="20 writes of other nodes came first"):
        await Hub(CrowdedLog()).register.create_subscription(DRAFT)


# Following


async def test_a_follower_sees_the_writes_of_others_and_its_own_once() -> None:
    one, log = Hub(), MemoryRegistryLog()
    one, two = Hub(log), Hub(log)
    async with one.following(), two.following():
        first = await one.register.create_subscription(DRAFT)
        await two.state.wait_until(lambda state: first.id in state.subscriptions)
        second = await two.register.create_subscription(DRAFT)
        seen = await one.state.wait_until(lambda state: second.id in state.subscriptions)
        assert seen.revision == 2
        assert seen.subscriptions == two.state.value.subscriptions


async def test_a_snapshot_is_kept_and_a_node_starts_from_it() -> None:
    log = MemoryRegistryLog()
    hub, writer, later = Hub(log, snapshot_every=3), Hub(log), Hub(log)
    async with hub.following():
        for _ in range(7):
            await hub.register.create_subscription(DRAFT)
        await writer.register.create_subscription(DRAFT)
        while await log.snapshot() is None:  # noqa: ASYNC110 - a thread encodes it
            await asyncio.sleep(0.001)
    with pytest.raises(Unavailable, match="load it"):
        await log.read(0)
    await later.materialise.load()
    assert later.state.value.revision == 8
    assert later.state.value.subscriptions == hub.state.value.subscriptions
    assert later.state.value.channels == hub.state.value.channels


async def test_a_node_that_missed_what_was_dropped_loads_the_snapshot() -> None:
    class Deaf(MemoryRegistryLog):
        """Its followers hear nothing until it is told."""

        hears = asyncio.Event()

        @override
        async def follow(self, after_revision: int) -> AsyncIterator[Commit]:
            await self.hears.wait()
            async for commit in super().follow(after_revision):
                yield commit

    log = Deaf()
    writer, follower = Hub(log), Hub(log)
    async with follower.following():
        for _ in range(3):
            await writer.register.create_subscription(DRAFT)
        await writer.materialise._save()
        log.hears.set()
        await follower.clock.until(lambda: follower.state.value.revision == 3)
        assert follower.state.value.subscriptions == writer.state.value.subscriptions


async def test_a_snapshot_keeps_the_channels_of_the_hub() -> None:
    hub = Hub()
    made = Channel("orders", 2)
    state = State(3, channels={"orders": made})
    hub.state.set(state)
    for number in range(3):
        await hub.log.commit(b"x", expected_revision=number)
    await hub.materialise._save()
    other = Hub(hub.log)
    await other.materialise.load()
    assert other.state.value.channels == {**empty().channels, "orders": made}


async def test_a_snapshot_of_nonsense_is_told() -> None:
    hub = Hub()
    await hub.log.commit(b"x", expected_revision=0)
    await hub.log.save_snapshot(Snapshot(1, b"nonsense"))
    with pytest.raises(Unavailable, match="the snapshot cannot be read"):
        await hub.materialise.load()


# Checking


def event(data: bytes | None, type_: str = "order.paid") -> Event:
    return Event(
        id="1", source="/s", type=type_, datacontenttype="application/json", data=data, text=True
    )


async def test_a_payload_is_checked_against_the_declaration_of_its_type() -> None:
    hub = Hub()
    check = Check(hub.state)
    assert check(event(b"1")) is None
    declaration, _ = await hub.register.put_declaration(declared())
    verdict = check(event(b"1"))
    assert verdict is not None
    assert (verdict.mode, verdict.declaration) == ("enforce", declaration)
    assert [each.rule for each in verdict.violations] == ["type"]
    good = check(event(b"{}"))
    assert good is not None
    assert good.violations == ()
    assert check(event(b"1", "order.sent")) is None


async def test_a_changed_declaration_counts_at_once() -> None:
    hub = Hub()
    check = Check(hub.state)
    await hub.register.put_declaration(declared())
    before = check(event(b"1"))
    await hub.register.put_declaration(declared(schema='{"type":"number"}'))
    after = check(event(b"1"))
    assert before is not None
    assert after is not None
    assert (len(before.violations), len(after.violations)) == (1, 0)


async def test_mode_off_checks_nothing() -> None:
    hub = Hub()
    await hub.register.put_declaration(
        DeclarationDraft("shop", "order.paid", "JSONSchema", b"false", "off")
    )
    assert Check(hub.state)(event(b"1")) is None


async def test_the_cache_of_compiled_schemas_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chappe.flows.check.MAX_COMPILED", 2)
    hub = Hub()
    check = Check(hub.state)
    for number in range(4):
        await hub.register.put_declaration(declared(f"t{number}"))
        verdict = check(event(b"1", f"t{number}"))
        assert verdict is not None
        assert verdict.violations
    assert len(check._compiled) == 2
