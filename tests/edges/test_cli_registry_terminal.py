"""What a person sees: 80 columns, with colour and without, whatever the values hold."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping
from pathlib import Path

import pytest

OLD = {
    "messagegroups": {
        "shop": {
            "description": "The shop",
            "messages": {
                "order.paid": {"description": "An order was paid", "labels": {"stage": "test"}},
                "order.gone": {"description": "x" * 200},
            },
        }
    }
}
NEW = {
    "messagegroups": {
        "shop": {
            "description": "The shop",
            "messages": {
                "order.paid": {
                    "description": "An order was paid, in full, on time, by whoever had ordered it",
                    "labels": {"stage": "prod"},
                },
                "order.new": {"description": "to \x1b[2J clear", "name": "first\nsecond"},
            },
        }
    }
}
STYLES = re.compile("\x1b\\[[0-9;]*m")


def on_terminal(*arguments: str, env: Mapping[str, str] | None = None) -> tuple[int, str]:
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 80, 0, 0))
    clean = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES", "NO_COLOR")}
    run = subprocess.Popen(
        [sys.executable, *arguments],
        stdin=follower,
        stdout=follower,
        stderr=follower,
        env={**clean, "TERM": "xterm", "PYTHONIOENCODING": "utf-8", **(env or {})},
    )
    os.close(follower)
    shown = b""
    try:
        while chunk := os.read(leader, 65_536):
            shown += chunk
    except OSError:
        pass  # the terminal's other end is closed: it has ended
    finally:
        os.close(leader)
    return run.wait(30), shown.decode().replace("\r\n", "\n")


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    for name, body in (("old.json", OLD), ("new.json", NEW)):
        (tmp_path / name).write_text(json.dumps(body))
    return [str(tmp_path / "old.json"), str(tmp_path / "new.json")]


@pytest.mark.parametrize("env", [{}, {"NO_COLOR": "1"}], ids=["colour", "plain"])
def test_a_diff_fits_the_terminal(files: list[str], env: Mapping[str, str]) -> None:
    code, shown = on_terminal("-m", "chappe", "registry", "diff", *files, env=env)

    lines = STYLES.sub("", shown).splitlines()[2:]
    assert code == 1
    assert lines == [
        "",
        "- /messagegroups/shop/messages/order.gone",
        '    description  "' + "x" * 61 + "…",
        "",
        "+ /messagegroups/shop/messages/order.new",
        '    description  "to \\u001b[2J clear"',
        '    name         "first\\nsecond"',
        "",
        "~ /messagegroups/shop/messages/order.paid",
        "    description",
        '      - "An order was paid"',
        '      + "An order was paid, in full, on time, by whoever had ordered it"',
        '    labels.stage  "test" -> "prod"',
        "",
        "1 added, 1 changed, 1 removed",
    ]
    assert bool(STYLES.search(shown)) is not bool(env)
    assert "\x1b" not in STYLES.sub("", shown)


def test_a_list_fits_the_terminal_and_survives_its_values() -> None:
    messages = {
        name: {"xid": f"/messagegroups/shop/messages/{name}", "description": said}
        for name, said in (("order.paid", "word " * 40), ("order.sent", "a\x1b[2J\nb"))
    }
    body = {"messagegroups": {"shop": {"xid": "/messagegroups/shop", "messages": messages}}}
    script = (
        "import asyncio, sys\n"
        "from chappe.testing.http_sink import Reply, SinkServer\n"
        "async def main():\n"
        f"    reply = Reply(200, body={json.dumps(body).encode()!r})\n"
        "    async with SinkServer([reply]) as sink:\n"
        "        run = await asyncio.create_subprocess_exec(sys.executable, '-m', 'chappe',\n"
        "            '--url', sink.url, 'type', 'ls')\n"
        "        return await run.wait()\n"
        "sys.exit(asyncio.run(main()))"
    )
    code, shown = on_terminal("-c", script)
    lines = STYLES.sub("", shown).splitlines()

    assert code == 0, shown
    assert lines[0].split() == ["TYPE", "GROUP", "PAYLOAD", "CHECKED", "DESCRIPTION"]
    assert [len(line) <= 80 for line in lines] == [True] * 3
    assert lines[1].endswith("…")
    assert lines[2].endswith("a\\x1b[2J b")


def test_deleting_asks_and_no_is_no(tmp_path: Path) -> None:
    file = tmp_path / "shop.json"
    file.write_text(json.dumps({"xid": "/messagegroups/shop/messages/paid"}))
    group = {"xid": "/messagegroups/shop", "messages": {"paid": {}, "sent": {}}}
    model = {
        "groups": {
            "messagegroups": {
                "singular": "messagegroup",
                "resources": {"messages": {"singular": "message"}},
            }
        }
    }
    script = (
        "import asyncio, sys\n"
        "from chappe.testing.http_sink import Reply, SinkServer\n"
        "async def main():\n"
        f"    replies = [Reply(200, body={json.dumps(model).encode()!r}),\n"
        f"               Reply(200, body={json.dumps(group).encode()!r})]\n"
        "    async with SinkServer(replies) as sink:\n"
        "        run = await asyncio.create_subprocess_exec(sys.executable, '-m', 'chappe',\n"
        f"            '--url', sink.url, 'delete', '-f', {str(file)!r}, stdin=sys.stdin)\n"
        "        code = await run.wait()\n"
        "        print('asked', [one.method for one in sink.requests])\n"
        "        return code\n"
        "sys.exit(asyncio.run(main()))"
    )
    leader, follower = pty.openpty()
    run = subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=follower,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    os.write(leader, b"n\n")
    shown = run.communicate(timeout=30)[0].decode()
    os.close(follower)
    os.close(leader)

    assert run.returncode == 130
    assert "This deletes /messagegroups/shop/messages/paid. Go on?" in shown
    assert "asked ['GET', 'GET']" in shown
