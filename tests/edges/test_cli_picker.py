"""A name that is not given is picked at a terminal, and missing in a script."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
from pathlib import Path

import pytest

from chappe.testing.http_sink import Reply, SinkServer

TYPES = ["order.cancelled", "order.paid", "user.created"]


def registry() -> bytes:
    messages = {
        name: {"messageid": name, "xid": f"/messagegroups/shop/messages/{name}"} for name in TYPES
    }
    return json.dumps({"messagegroups": {"shop": {"messages": messages}}}).encode()


def talk(command: list[str], answers: list[tuple[bytes, bytes]]) -> tuple[int, str]:
    """Run it at a terminal; each answer is typed once the text before it was shown."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        command,
        stdin=follower,
        stdout=follower,
        stderr=follower,
        env={**os.environ, "TERM": "dumb"},
    )
    os.close(follower)
    shown = b""
    waiting = list(answers)
    seen = 0
    try:
        while True:
            ready, _, _ = select.select([leader], [], [], 60)
            assert ready, f"nothing more is shown after {shown!r}"
            try:
                more = os.read(leader, 65_536)
            except OSError:
                break  # the other end is closed
            if not more:
                break
            shown += more
            if waiting and waiting[0][0] in shown[seen:]:
                seen = len(shown)
                os.write(leader, waiting.pop(0)[1])
        return process.wait(60), shown.decode()
    finally:
        os.close(leader)
        process.kill()
        process.wait()


@pytest.mark.parametrize(
    ("answers", "wanted"),
    [
        ([b"2\r"], "order.paid"),
        ([b"user.created\r"], "user.created"),
        ([b"CREATED\r"], "user.created"),
        ([b"order\r", b"1\r"], "order.cancelled"),
        ([b"99\r", b"3\r"], "user.created"),
    ],
    ids=["number", "name", "part", "narrowed", "wrong number"],
)
async def test_a_person_picks_a_type(answers: list[bytes], wanted: str) -> None:
    import asyncio

    async with SinkServer([Reply(200, body=registry())] * 3) as hub:
        command = [sys.executable, "-m", "chappe", "--url", hub.url, "type", "get", "-o", "name"]
        code, shown = await asyncio.to_thread(
            talk, command, [(b"(number or name):", one) for one in answers]
        )

    assert code == 0, shown
    assert hub.requests[-1].target.partition("?")[0] == f"/messagegroups/shop/messages/{wanted}"
    assert "  1  order.cancelled" in shown


@pytest.mark.parametrize("how", [["--no-input"], []])
def test_a_script_is_told_that_the_name_is_missing(how: list[str], tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "chappe", "--url", "http://127.0.0.1:1", "type", "get", *how],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        cwd=tmp_path,
        check=False,
    )

    assert done.returncode == 2
    assert b"Missing argument 'TYPE'" in done.stderr


async def test_who_says_no_input_is_asked_nothing_at_a_terminal_either() -> None:
    command = [
        sys.executable,
        "-m",
        "chappe",
        "--url",
        "http://127.0.0.1:1",
        "type",
        "get",
        "--no-input",
    ]
    code, shown = talk(command, [])

    assert code == 2
    assert "(number or name)" not in shown


async def test_ctrl_c_at_the_question_interrupts() -> None:
    import asyncio

    async with SinkServer([Reply(200, body=registry())]) as hub:
        command = [sys.executable, "-m", "chappe", "--url", hub.url, "type", "get"]
        code, shown = await asyncio.to_thread(talk, command, [(b"(number or name):", b"\x04")])

    assert code == 130, shown
