"""What all calls must do. Subclass it with a fixture `node`, which gives one node's calls."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from chappe.domain.errors import Unavailable
from chappe.ports.shard_calls import ShardCalls

SHARD = "default.0"


async def _echo(question: bytes) -> bytes:
    return b"heard " + question


async def _asked_until(node: ShardCalls, question: bytes) -> bytes:
    """The answer, as soon as there is one: a node is not heard of at once."""
    async with asyncio.timeout(10):
        while True:
            try:
                return await node.ask(SHARD, question, timeout_s=5)
            except Unavailable:
                await asyncio.sleep(0.01)


class ShardCallsSuite:
    """The promises of ports/shard_calls, one test each."""

    async def test_the_owner_answers_another_node(self, node: Callable[[str], ShardCalls]) -> None:
        one, two = node("one"), node("two")
        with one.serving(SHARD, _echo):
            assert await _asked_until(two, b"\x00\xff") == b"heard \x00\xff"

    async def test_the_owner_answers_itself(self, node: Callable[[str], ShardCalls]) -> None:
        one = node("one")
        with one.serving(SHARD, _echo):
            assert await one.ask(SHARD, b"a", timeout_s=5) == b"heard a"

    async def test_without_an_owner_the_asker_is_told_at_once(
        self, node: Callable[[str], ShardCalls]
    ) -> None:
        async with asyncio.timeout(10):
            with pytest.raises(Unavailable):
                await node("one").ask(SHARD, b"a", timeout_s=60)

    async def test_an_owner_that_ends_answers_no_more(
        self, node: Callable[[str], ShardCalls]
    ) -> None:
        one, two = node("one"), node("two")
        with one.serving(SHARD, _echo):
            await _asked_until(two, b"a")
        for asker in (one, two):
            with pytest.raises(Unavailable):
                await asker.ask(SHARD, b"b", timeout_s=1)

    async def test_what_the_owner_cannot_do_now_is_unavailable_to_the_asker(
        self, node: Callable[[str], ShardCalls]
    ) -> None:
        async def refuse(question: bytes) -> bytes:
            raise Unavailable("still reading back")

        one, two = node("one"), node("two")
        with one.serving(SHARD, refuse):
            for asker in (one, two):
                with pytest.raises(Unavailable):
                    await asker.ask(SHARD, b"a", timeout_s=5)

    async def test_an_answer_that_takes_too_long_is_unavailable(
        self, node: Callable[[str], ShardCalls]
    ) -> None:
        async def silent(question: bytes) -> bytes:
            await asyncio.Event().wait()
            return b""

        one, two = node("one"), node("two")
        with one.serving(SHARD, silent):
            for asker in (one, two):
                with pytest.raises(Unavailable):
                    await asker.ask(SHARD, b"a", timeout_s=0.2)

    async def test_questions_do_not_wait_for_each_other(
        self, node: Callable[[str], ShardCalls]
    ) -> None:
        second = asyncio.Event()

        async def first_waits(question: bytes) -> bytes:
            if question == b"first":
                await second.wait()
            else:
                second.set()
            return question

        one, two = node("one"), node("two")
        with one.serving(SHARD, first_waits):
            answers = asyncio.gather(_asked_until(two, b"first"), _asked_until(two, b"second"))
            async with asyncio.timeout(10):
                assert tuple(await answers) == (b"first", b"second")

    async def test_shards_are_asked_apart(self, node: Callable[[str], ShardCalls]) -> None:
        one = node("one")
        with one.serving(SHARD, _echo), pytest.raises(Unavailable):
            await one.ask("default.1", b"a", timeout_s=1)
