"""`chappe event forward` with a person at it: keys on a terminal, and a subscription that stays."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from cli_process import Cli, chappe, name

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]

__all__ = ["chappe", "name"]  # fixtures


class Terminal:
    """A `chappe` in front of a terminal; `until` reads what it shows."""

    def __init__(self, process: subprocess.Popen[bytes], leader: int) -> None:
        self.process = process
        self._leader = leader
        self.shown = ""

    def until(self, pattern: str, count: int = 1) -> None:
        """Read until the pattern was shown so often; the test's own deadline ends it."""
        while len(re.findall(pattern, self.shown)) < count:
            try:
                read = os.read(self._leader, 65_536)
            except OSError:  # Linux's way to say that the other end is closed
                read = b""
            assert read, self.shown
            self.shown += read.decode()

    def press(self, key: str) -> None:
        os.write(self._leader, key.encode())


@contextmanager
def terminal(cli: Cli, *arguments: str) -> Iterator[Terminal]:
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [
            sys.executable, "-c",
            # The terminal's foreground process, as one that a shell starts is.
            "import fcntl, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
            "from chappe.cli.main import main; main(sys.argv[1:])",
            *arguments,
        ],
        stdin=follower, stdout=follower, stderr=follower, cwd=cli.home,
        env=cli.environment({"TERM": "dumb", "COLUMNS": "200"}), start_new_session=True,
    )  # fmt: skip
    os.close(follower)
    try:
        yield Terminal(process, leader)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(60)
        os.close(leader)


def test_r_posts_the_last_event_again_and_q_ends_it(chappe: Cli, name: str) -> None:
    with terminal(chappe, "event", "forward", "--type", name, "--echo") as forward:
        forward.until("r posts the last event once more, q ends")
        forward.press("r")
        forward.until("no event has come yet")
        assert chappe("event", "send", "--type", name, "--id", "A-1").code == 0
        line = rf"\d\d:\d\d:\d\d\.\d+  ✓ 204 in [\d.]+ m?s  {name}  A-1"
        forward.until(line)
        forward.press("r")
        forward.until(line, 2)
        forward.press("q")
        assert forward.process.wait(60) == 0
    assert chappe("sub", "ls", "-o", "json").out.count(name) == 0


def test_ctrl_c_on_the_terminal_ends_it_in_order(chappe: Cli, name: str) -> None:
    with terminal(chappe, "event", "forward", "--type", name, "--echo") as forward:
        forward.until("q ends")
        forward.press("\x03")
        assert forward.process.wait(60) == 130
    assert chappe("sub", "ls", "-o", "json").out.count(name) == 0


def test_a_durable_one_goes_on_where_it_stopped(chappe: Cli, name: str) -> None:
    arguments = ("event", "forward", "--type", name, "--durable", name, "--echo")
    with piped(chappe, *arguments) as first:
        assert "is made, and stays" in read_line(first, "stderr")
    assert chappe("event", "send", "--type", name, "--id", "meanwhile").code == 0
    with piped(chappe, *arguments) as second:
        assert "goes on where it stopped" in read_line(second, "stderr")
        assert " meanwhile " in read_line(second, "stdout")
    other = chappe("event", "forward", "--type", "other", "--durable", name, "--echo")
    assert other.code == 2
    assert "there is a subscription of that name, but another one" in other.err
    assert chappe("sub", "rm", name, "--yes").code == 0


@contextmanager
def piped(cli: Cli, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "chappe", *arguments],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        cwd=cli.home, env=cli.environment(), text=True,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)


def read_line(process: subprocess.Popen[str], stream: str) -> str:
    found = getattr(process, stream)
    return str(found.readline())


def test_a_subscription_that_is_not_there_is_told_in_three_lines(chappe: Cli) -> None:
    ran = chappe("event", "forward", "--sub", "nobody", "--echo")
    assert ran.code == 3
    assert ran.err.startswith("error: ")
