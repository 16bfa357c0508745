"""Declaring, following what was declared, and checking payloads against it."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest
from typing_extensions import override

from chappe.adapters.memory.registry_log import MemoryRegistryLog
from chappe.adapters.system.secrets import SystemSecrets
from chappe.domain.channel import Channel
from chappe.domain.errors import Conflict, Malformed, NotFound, Unavailable
from chappe.domain.event import Event
from chappe.domain.subscription import Credential
from chappe.flows.check import Check
from chappe.flows.materialise import RETRY_MOST_S, Materialise
from chappe.flows.register import Register
from chappe.formats.languages import json_alone
from chappe.kit.latest import Latest
from chappe.ports.registry_log import Commit, Snapshot
from chappe.registry.declaration import Declaration, Mode
from chappe.registry.errors import RegistryError
from chappe.registry.request import Written
from chappe.registry.state import State, empty, own_channels
from chappe.registry.write import empty_tree
from chappe.registry.writing import Decide
from chappe.testing.fake_clock import FakeClock
from chappe.testing.hub_registry import BEGAN, hub_tree, writing

KEY = b"k" * 32
NOW = "2023-11-14T22:13:20.000"
"""The time of the clock, in milliseconds."""
SHARDS = 4
FOUNDED = 1
"""The revision that a registry begins with."""
DRAFT: dict[str, Any] = {"sink": "https://billing.example/events", "protocol": "HTTP"}


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
        self.state: Latest[State] = Latest(empty(SHARDS))
        secrets = SystemSecrets(self.key)
        self.register = Register(
            self.log, self.state, self.clock, secrets, self._new_id, self._extent, json_alone()
        )
        self.materialise = Materialise(
            self.log, self.state, self.clock, secrets, snapshot_every=self.snapshot_every
        )

    def _new_id(self) -> str:
        self.made += 1
        return f"s-{id(self)}-{self.made}"

    async def founded(self) -> Hub:
        """With everything that is committed, or else what a hub begins with."""
        await self.materialise.load()
        await self.materialise.found(hub_tree(shards=SHARDS), by="n-test")
        return self

    async def declare(self, *args: Any, **more: Any) -> Declaration:
        """Declare the payloads of a type; what the hub knows of it then."""
        await self.register.write(declaring(*args, **more))
        return self.state.value.declarations[args[0] if args else "order.paid"]

    async def _extent(self, channel: str, start: str) -> int:
        return self.blocks[channel]

    @contextlib.asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        await self.founded()
        task = asyncio.ensure_future(self.materialise.run())
        try:
            async with asyncio.timeout(60):
                yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def drafted(**fields: Any) -> dict[str, Any]:
    return {**DRAFT, **fields}


def plain(secret: str | None, sink: str = DRAFT["sink"]) -> dict[str, Any]:
    credential = {"credentialtype": "PLAIN", "identifier": "me"}
    return drafted(sink=sink, sinkcredential=credential | ({"secret": secret} if secret else {}))


def declaring(
    type_: str = "order.paid", group: str = "shop", schema: Any = None, mode: Mode = "enforce"
) -> Decide[Written]:
    return writing(
        "PUT",
        f"/messagegroups/{group}/messages/{type_}",
        {
            "envelope": "CloudEvents/1.0",
            "envelopemetadata": {"type": {"value": type_}},
            "dataschemaformat": "JSONSchema/draft-07",
            "dataschema": {"type": "object"} if schema is None else schema,
            "validation": mode,
        },
    )


# Subscriptions


async def test_a_subscription_is_there_when_the_write_returns() -> None:
    hub = await Hub().founded()
    made = await hub.register.create_subscription(DRAFT, by="ops")
    assert hub.state.value.subscriptions == {made.id: made}
    assert (made.epoch, made.created_at) == (1, made.modified_at)
    assert made.created_at.startswith(NOW)


async def test_the_log_tells_who_and_when() -> None:
    hub = await Hub().founded()
    await hub.register.create_subscription(DRAFT, by="ops")
    (commit,) = await hub.log.read(FOUNDED)
    written = json.loads(commit.transaction)
    assert (written["by"], written["at"][: len(NOW)]) == ("ops", NOW)


async def test_writes_of_one_millisecond_have_times_of_their_own() -> None:
    hub = await Hub().founded()
    first = await hub.register.create_subscription(DRAFT)
    second = await hub.register.create_subscription(DRAFT)
    assert NOW < first.created_at < second.created_at < f"{NOW}999Z"


@pytest.mark.parametrize(("start", "after"), [(None, 41), ("latest", 41), ("earliest", 0)])
async def test_it_starts_where_the_draft_says(
    start: Literal["latest", "earliest"] | None, after: int
) -> None:
    hub = await Hub().founded()
    made = await hub.register.create_subscription(drafted(**({"start": start} if start else {})))
    assert made.starts_after == after


async def test_a_pause_is_idempotent_and_makes_no_version() -> None:
    hub = await Hub().founded()
    made = await hub.register.create_subscription(plain("s3cret"))
    paused = await hub.register.pause_subscription(made.id, paused=True)
    again = await hub.register.pause_subscription(made.id, paused=True)
    assert (paused.options.paused, again) == (True, paused)
    assert paused.epoch == made.epoch + 1
    resumed = await hub.register.pause_subscription(made.id, paused=False)
    assert not resumed.options.paused
    assert resumed.credential == made.credential
    resource = hub.state.value.tree.resource(f"/endpoints/hub/subscriptions/{made.id}")
    assert resource is not None
    assert len(resource.versions) == 1


async def test_a_subscription_that_does_not_exist_cannot_be_paused() -> None:
    hub = await Hub().founded()
    with pytest.raises(NotFound, match="subscriptions/s-none: does not exist"):
        await hub.register.pause_subscription("s-none", paused=True)


async def test_a_channel_that_does_not_exist_is_refused() -> None:
    hub = await Hub().founded()
    with pytest.raises(
        Malformed, match="channel: 'orders' does not exist; there are: audit, deadletters, default"
    ):
        await hub.register.create_subscription(drafted(channel="orders"))
    assert hub.state.value.revision == FOUNDED


async def test_an_id_that_was_sent_is_ignored_when_it_is_made() -> None:
    hub = await Hub().founded()
    assert (await hub.register.create_subscription(drafted(id="mine"))).id != "mine"


async def test_a_replacement_keeps_what_is_fixed_and_grows_the_epoch() -> None:
    hub = await Hub().founded()
    made = await hub.register.create_subscription(drafted(sink="http://a/", epoch=9))
    hub.blocks["default"] = 99
    kept = await hub.register.replace_subscription(
        made.id, drafted(sink="http://b/", types=["t"]), epoch=1
    )
    assert (kept.id, kept.starts_after, kept.created_at) == (made.id, 41, made.created_at)
    assert (kept.sink, kept.types, kept.epoch) == ("http://b/", frozenset({"t"}), 2)
    assert kept.modified_at > made.modified_at
    assert hub.state.value.subscriptions[made.id] == kept


async def test_a_replacement_with_an_old_epoch_is_a_conflict_and_changes_nothing() -> None:
    hub = await Hub().founded()
    made = await hub.register.create_subscription(DRAFT)
    kept = await hub.register.replace_subscription(made.id, DRAFT)
    with pytest.raises(Conflict, match="epoch 1 was sent, the present one is 2"):
        await hub.register.replace_subscription(made.id, drafted(sink="http://b/"), epoch=1)
    assert hub.state.value.subscriptions[made.id] == kept


@pytest.mark.parametrize(
    ("draft", "message"),
    [
        (drafted(channel="attempts"), "channel: 'attempts' was sent, it is 'default'"),
        (drafted(start="earliest"), "start: 'earliest' was sent, it is 'latest'"),
    ],
    ids=["channel", "start"],
)
async def test_a_replacement_cannot_change_what_is_fixed(
    draft: dict[str, Any], message: str
) -> None:
    hub = await Hub().founded()
    made = await hub.register.create_subscription(DRAFT)
    with pytest.raises(Malformed, match=message):
        await hub.register.replace_subscription(made.id, draft)
    assert hub.state.value.subscriptions[made.id] == made


async def test_a_replacement_that_is_silent_about_what_is_fixed_keeps_it() -> None:
    hub = await Hub().founded()
    made = await hub.register.create_subscription(drafted(start="earliest", channel="registry"))
    kept = await hub.register.replace_subscription(made.id, DRAFT)
    assert (kept.start, kept.channel) == ("earliest", "registry")


async def test_a_removed_subscription_is_gone_and_its_last_state_answered() -> None:
    hub = await Hub().founded()
    made = await hub.register.create_subscription(DRAFT)
    assert await hub.register.remove_subscription(made.id) == made
    assert hub.state.value.subscriptions == {}


async def test_what_does_not_exist_is_not_found() -> None:
    hub = await Hub().founded()
    for work in (
        hub.register.remove_subscription("s-x"),
        hub.register.replace_subscription("s-x", DRAFT),
    ):
        with pytest.raises(NotFound, match="does not exist"):
            await work
    with pytest.raises(RegistryError, match="does not exist"):
        await hub.register.write(writing("DELETE", "/messagegroups/shop/messages/order.paid"))


async def test_a_registry_of_another_model_has_no_place_for_subscriptions() -> None:
    hub = Hub()
    await hub.materialise.found(empty_tree("test", BEGAN, {}), by="n-test")
    with pytest.raises(Conflict, match="model has no place for them"):
        await hub.register.create_subscription(DRAFT)


async def test_the_state_of_other_writes_keeps_the_subscriptions_as_they_are() -> None:
    hub = await Hub().founded()
    await hub.register.create_subscription(DRAFT)
    before = hub.state.value.subscriptions
    await hub.declare()
    assert hub.state.value.subscriptions is before


async def test_a_dry_run_answers_and_commits_nothing() -> None:
    hub = await Hub().founded()
    done = await hub.register.write(writing("PUT", "/channels/orders", {"shards": 2}), dry_run=True)
    assert [change.path for change in done.answer.changes][-1] == ("channels", "orders")
    assert (done.revision, done.correlation) == (FOUNDED, "")
    assert hub.state.value.revision == FOUNDED
    assert await hub.log.read(FOUNDED) == []


async def test_a_write_that_changes_nothing_is_not_committed() -> None:
    hub = await Hub().founded()
    done = await hub.register.write(writing("POST", "/", {}))
    assert (list(done.answer.changes), done.revision) == ([], FOUNDED)
    assert await hub.log.read(FOUNDED) == []


async def test_a_heavy_decision_comes_to_the_same() -> None:
    hub = await Hub().founded()
    await hub.register.write(writing("PUT", "/channels/orders", {"shards": 2}), heavy=True)
    assert hub.state.value.channels["orders"] == Channel("orders", 2)


# Secrets


async def test_a_secret_that_is_not_sent_stays() -> None:
    hub = await Hub().founded()
    made = await hub.register.create_subscription(plain("hunter2"))
    moved = plain(None, sink=f"{DRAFT['sink']}/v2")
    kept = await hub.register.replace_subscription(made.id, moved)
    assert kept.credential == Credential("PLAIN", "me", "hunter2")


async def test_a_kept_secret_goes_to_no_other_origin() -> None:
    hub = await Hub().founded()
    made = await hub.register.create_subscription(plain("hunter2"))
    with pytest.raises(Malformed, match="sinkcredential/secret: must be sent again"):
        await hub.register.replace_subscription(made.id, plain(None, sink="https://evil.example/"))


async def test_a_credential_without_any_secret_is_refused() -> None:
    hub = await Hub().founded()
    made = await hub.register.create_subscription(DRAFT)
    for work in (
        hub.register.create_subscription(plain(None)),
        hub.register.replace_subscription(made.id, plain(None)),
    ):
        with pytest.raises(Malformed, match="sinkcredential/secret: is missing and is required"):
            await work


async def test_secrets_lie_sealed_and_open_on_another_node_with_the_key() -> None:
    hub = await Hub(snapshot_every=1).founded()
    made = await hub.register.create_subscription(plain("hunter2"))
    assert b"hunter2" not in (await hub.log.read(FOUNDED))[0].transaction
    other = Hub(hub.log)
    await other.materialise.load()
    assert other.state.value.subscriptions[made.id] == made


async def test_secrets_lie_sealed_in_a_snapshot_and_open_from_it() -> None:
    hub = await Hub().founded()
    made = await hub.register.create_subscription(plain("hunter2"))
    await hub.materialise._save()
    snapshot = await hub.log.snapshot()
    assert snapshot is not None
    assert b"hunter2" not in snapshot.state
    other = Hub(hub.log)
    await other.materialise.load()
    assert other.state.value.subscriptions[made.id] == made


async def test_a_node_with_another_key_says_so() -> None:
    hub = await Hub().founded()
    await hub.register.create_subscription(plain("hunter2"))
    with pytest.raises(Unavailable, match="sealed with another key"):
        await Hub(hub.log, key=b"x" * 32).materialise.load()


# Declarations


async def test_a_declaration_is_made_then_replaced_then_removed() -> None:
    hub = await Hub().founded()
    first = await hub.declare()
    assert (first.schema, first.mode) == (b'{"type":"object"}', "enforce")
    second = await hub.declare(schema=True, mode="warn")
    assert (second.schema, second.mode) == (b"true", "warn")
    assert (first.path, first.format) == (second.path, second.format)
    await hub.register.write(writing("DELETE", second.path))
    assert hub.state.value.declarations == {}


async def test_a_message_without_validation_declares_nothing() -> None:
    hub = await Hub().founded()
    await hub.register.write(
        writing(
            "PUT",
            "/messagegroups/shop/messages/order.paid",
            {"dataschemaformat": "JSONSchema/draft-07", "dataschema": {"type": "object"}},
        )
    )
    assert hub.state.value.declarations == {}


async def test_a_type_is_declared_once_over_all_groups() -> None:
    hub = await Hub().founded()
    kept = await hub.declare()
    with pytest.raises(RegistryError, match=f"{kept.path} says what its payloads are already"):
        await hub.register.write(declaring(group="billing"))
    assert hub.state.value.declarations == {"order.paid": kept}
    with pytest.raises(RegistryError, match="does not exist"):
        await hub.register.write(writing("DELETE", "/messagegroups/billing/messages/order.paid"))


async def test_what_is_no_schema_is_refused_and_not_stored() -> None:
    hub = await Hub().founded()
    with pytest.raises(RegistryError, match="'dataschema' is not valid: /type"):
        await hub.register.write(declaring(schema={"type": "nonsense"}))
    assert await hub.log.read(FOUNDED) == []


# Several nodes


async def test_of_nodes_that_begin_a_registry_at_once_all_have_what_one_began() -> None:
    log = MemoryRegistryLog()
    hubs = await asyncio.gather(*(Hub(log).founded() for _ in range(4)))
    assert [hub.state.value.revision for hub in hubs] == [FOUNDED] * 4
    assert len(await log.read(0)) == 1


async def test_a_node_that_was_behind_decides_again_on_what_the_others_did() -> None:
    one = await Hub().founded()
    two = await Hub(one.log).founded()
    made = await one.register.create_subscription(DRAFT)
    kept = await two.register.replace_subscription(
        (await two.register.create_subscription(DRAFT)).id, DRAFT
    )
    assert two.state.value.subscriptions == {made.id: made, kept.id: kept}
    await one.declare()
    with pytest.raises(RegistryError, match="says what its payloads are already"):
        await two.register.write(declaring(group="billing"))


async def test_concurrent_writers_of_many_nodes_all_get_in() -> None:
    log = MemoryRegistryLog()
    hubs = [await Hub(log).founded() for _ in range(4)]
    made = await asyncio.gather(
        *(hub.register.create_subscription(DRAFT) for hub in hubs for _ in range(10))
    )
    await hubs[0].materialise.load()
    assert hubs[0].state.value.subscriptions.keys() == {each.id for each in made}


class CrowdedLog(MemoryRegistryLog):
    """Somebody else is always faster, but when the registry is begun."""

    @override
    async def commit(self, transaction: bytes, *, expected_revision: int) -> int:
        if expected_revision:
            raise Conflict("registry: somebody was faster")
        return await super().commit(transaction, expected_revision=expected_revision)


async def test_a_writer_that_never_wins_gives_up() -> None:
    hub = await Hub(CrowdedLog()).founded()
    with pytest.raises(Unavailable, match="20 writes of other nodes came first"):
        await hub.register.create_subscription(DRAFT)


# Following


async def test_a_follower_sees_the_writes_of_others_and_its_own_once() -> None:
    log = MemoryRegistryLog()
    one, two = Hub(log), Hub(log)
    async with one.following(), two.following():
        first = await one.register.create_subscription(DRAFT)
        await two.state.wait_until(lambda state: first.id in state.subscriptions)
        second = await two.register.create_subscription(DRAFT)
        seen = await one.state.wait_until(lambda state: second.id in state.subscriptions)
        assert seen.revision == FOUNDED + 2
        assert seen.subscriptions == two.state.value.subscriptions


async def test_a_snapshot_is_kept_and_a_node_starts_from_it() -> None:
    log = MemoryRegistryLog()
    hub, writer, later = Hub(log, snapshot_every=3), Hub(log), Hub(log)
    async with hub.following():
        for _ in range(7):
            await hub.register.create_subscription(DRAFT)
        await writer.founded()
        await writer.register.create_subscription(DRAFT)
        while await log.snapshot() is None:  # noqa: ASYNC110 - a thread encodes it
            await asyncio.sleep(0.001)
    with pytest.raises(Unavailable, match="load it"):
        await log.read(0)
    await later.materialise.load()
    assert later.state.value.revision == FOUNDED + 8
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
    writer, follower = await Hub(log).founded(), Hub(log)
    async with follower.following():
        for _ in range(3):
            await writer.register.create_subscription(DRAFT)
        await writer.materialise._save()
        log.hears.set()
        await follower.clock.advance(RETRY_MOST_S)
        # A thread applies what is loaded, so the fake clock cannot wait for it.
        await follower.state.wait_until(lambda state: state.revision == FOUNDED + 3)
        assert follower.state.value.subscriptions == writer.state.value.subscriptions


async def test_no_snapshot_drops_what_is_not_announced() -> None:
    hub = await Hub().founded()
    await hub.register.create_subscription(DRAFT)
    announced = FOUNDED

    async def known(revision: int) -> bool:
        return revision <= announced

    hub.materialise.announced = known
    await hub.materialise._save()
    assert await hub.log.snapshot() is None
    announced = FOUNDED + 1
    await hub.materialise._save()
    assert await hub.log.snapshot() is not None


async def test_a_snapshot_keeps_the_channels_of_the_hub() -> None:
    hub = await Hub().founded()
    await hub.register.write(writing("PUT", "/channels/orders", {"shards": 2}))
    await hub.materialise._save()
    other = Hub(hub.log)
    await other.materialise.load()
    assert other.state.value.channels == {
        **own_channels(SHARDS),
        "orders": Channel("orders", 2),
    }


async def test_a_snapshot_of_nonsense_is_told() -> None:
    hub = await Hub().founded()
    await hub.log.save_snapshot(Snapshot(FOUNDED, b"nonsense"))
    with pytest.raises(Unavailable, match="the snapshot cannot be read"):
        await hub.materialise.load()


# Checking


def event(data: bytes | None, type_: str = "order.paid") -> Event:
    return Event(
        id="1", source="/s", type=type_, datacontenttype="application/json", data=data, text=True
    )


async def test_a_payload_is_checked_against_the_declaration_of_its_type() -> None:
    hub = await Hub().founded()
    check = Check(hub.state)
    assert check(event(b"1")) is None
    declaration = await hub.declare()
    verdict = check(event(b"1"))
    assert verdict is not None
    assert (verdict.mode, verdict.declaration) == ("enforce", declaration)
    assert [each.rule for each in verdict.violations] == ["type"]
    good = check(event(b"{}"))
    assert good is not None
    assert good.violations == ()
    assert check(event(b"1", "order.sent")) is None


async def test_a_changed_declaration_counts_at_once() -> None:
    hub = await Hub().founded()
    check = Check(hub.state)
    await hub.declare()
    before = check(event(b"1"))
    await hub.declare(schema={"type": "number"})
    after = check(event(b"1"))
    assert before is not None
    assert after is not None
    assert (len(before.violations), len(after.violations)) == (1, 0)


async def test_mode_off_checks_nothing() -> None:
    hub = await Hub().founded()
    await hub.declare(schema=False, mode="off")
    assert Check(hub.state)(event(b"1")) is None


async def test_the_cache_of_compiled_schemas_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chappe.flows.check.MAX_COMPILED", 2)
    hub = await Hub().founded()
    check = Check(hub.state)
    for number in range(4):
        await hub.declare(f"t{number}")
        verdict = check(event(b"1", f"t{number}"))
        assert verdict is not None
        assert verdict.violations
    assert len(check._compiled) == 2
