"""What every keeper of cursors must do. Subclass it with a fixture `cursors`."""

from __future__ import annotations

import pytest

from chappe.domain.errors import Fenced
from chappe.ports.cursors import Cursors


class CursorsSuite:
    """The promises of ports/cursors, one test each."""

    async def test_a_fresh_shard_has_no_checkpoint(self, cursors: Cursors) -> None:
        hold = await cursors.claim("default.0")
        assert hold.checkpoint is None
        assert dict(hold.lanes) == {}

    async def test_the_next_owner_finds_what_was_written(self, cursors: Cursors) -> None:
        hold = await cursors.claim("default.0")
        await hold.write(b"at 1", {"s-1": b"one", "s-2": b"two"})
        await hold.write(b"at 2", {"s-2": b"two again"})
        found = await cursors.claim("default.0")
        assert found.checkpoint == b"at 2"
        assert dict(found.lanes) == {"s-1": b"one", "s-2": b"two again"}

    async def test_a_forgotten_lane_has_no_record(self, cursors: Cursors) -> None:
        hold = await cursors.claim("default.0")
        await hold.write(b"1", {"s-1": b"one", "s-2": b"two"})
        await hold.write(b"2", {"s-1": None})
        assert dict((await cursors.claim("default.0")).lanes) == {"s-2": b"two"}

    async def test_any_id_of_the_registry_is_found_again(self, cursors: Cursors) -> None:
        hold = await cursors.claim("default.0")
        lanes = {id_: id_.encode() for id_ in ("a.b", "a..b", "a.", "a%2Eb", "a:b@c~d-e_f", "ab")}
        await hold.write(b"1", lanes)
        found = await cursors.claim("default.0")
        assert dict(found.lanes) == lanes
        await found.write(b"2", dict.fromkeys(lanes))
        assert dict((await cursors.claim("default.0")).lanes) == {}

    async def test_an_owner_before_can_write_no_more(self, cursors: Cursors) -> None:
        before = await cursors.claim("default.0")
        await before.write(b"mine", {"s-1": b"mine"})
        after = await cursors.claim("default.0")
        with pytest.raises(Fenced):
            await before.write(b"still mine", {"s-1": b"still mine"})
        await after.write(b"yours", {})
        found = await cursors.claim("default.0")
        assert (found.checkpoint, dict(found.lanes)) == (b"yours", {"s-1": b"mine"})

    async def test_an_owner_before_is_fenced_at_its_lanes_too(self, cursors: Cursors) -> None:
        before = await cursors.claim("default.0")
        await cursors.claim("default.0")
        with pytest.raises(Fenced):
            await before.write(b"x", {"s-1": b"x"})
        assert dict((await cursors.claim("default.0")).lanes) == {}

    async def test_shards_do_not_mix(self, cursors: Cursors) -> None:
        one = await cursors.claim("default.0")
        two = await cursors.claim("default.1")
        await one.write(b"one", {"s-1": b"1"})
        await two.write(b"two", {"s-1": b"2"})
        await one.write(b"one again", {})
        assert (await cursors.claim("default.0")).lanes["s-1"] == b"1"
        assert (await cursors.claim("default.1")).checkpoint == b"two"

    async def test_thousands_of_lanes_are_found_again(self, cursors: Cursors) -> None:
        hold = await cursors.claim("default.0")
        lanes = {f"s-{number}": b"%d" % number for number in range(1_500)}
        await hold.write(b"1", lanes)
        assert dict((await cursors.claim("default.0")).lanes) == lanes

    async def test_anybody_can_read_what_the_owner_wrote_and_takes_nothing(
        self, cursors: Cursors
    ) -> None:
        fresh = await cursors.read("default.0")
        assert (fresh.checkpoint, dict(fresh.lanes)) == (None, {})
        hold = await cursors.claim("default.0")
        await hold.write(b"at 1", {"s-1": b"one", "s-2": b"two"})
        found = await cursors.read("default.0")
        assert (found.checkpoint, dict(found.lanes)) == (b"at 1", {"s-1": b"one", "s-2": b"two"})
        await hold.write(b"at 2", {"s-1": None})
        assert dict((await cursors.read("default.0")).lanes) == {"s-2": b"two"}
