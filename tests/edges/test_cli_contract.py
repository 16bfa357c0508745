"""What the command line promises without a hub: exit codes, errors, start-up budget, streams."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import click
import pytest

from chappe.cli.failures import exit_code, lines, problem
from chappe.cli.main import COMMANDS, root
from chappe.cli.render import aligned, latency, ordinal, printable
from chappe.cli.session import wants_color
from chappe.cli.sub_filters import expression
from chappe.client.problems import error_of
from chappe.client.transport import Answer
from chappe.domain import errors
from chappe.domain.errors import ChappeError
from chappe.testing.http_sink import Reply, SinkServer

NOBODY = "http://127.0.0.1:1"
FORBIDDEN_AT_START = (
    "asyncio", "rich", "nats", "uvicorn", "uvloop", "prometheus_client", "jsonschema_rs",
    "cryptography", "google.protobuf", "msgspec", "httptools", "sqlite3",
)  # fmt: skip


def chappe(
    *args: str, env: Mapping[str, str] | None = None, stdin: bytes = b"", cwd: Path | None = None
) -> tuple[int, str, str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("CHAPPE_")}
    done = subprocess.run(
        [sys.executable, "-m", "chappe", *args],
        input=stdin,
        capture_output=True,
        timeout=30,
        cwd=cwd,
        env={**clean, "PYTHONIOENCODING": "utf-8", **(env or {})},
        check=False,
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["nonsense"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    script = (
        "import sys\n"
        "from chappe.cli.main import main\n"
        f"try: main({arguments!r})\n"
        "except SystemExit: pass\n"
        f"print([name for name in {FORBIDDEN_AT_START!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, timeout=30, check=True
    )

    assert done.stderr.decode().splitlines()[-1] == "[]"


@pytest.mark.parametrize("name", ["event", "sub", "schema", "doctor", "version"])
def test_commands_that_ask_a_hub_import_no_server_and_no_drawing(name: str) -> None:
    script = (
        "import sys\n"
        "from chappe.cli.main import main\n"
        f"try: main([{name!r}, '-h'])\n"
        "except SystemExit: pass\n"
        "print([name for name in ('rich', 'nats', 'uvicorn', 'chappe.server', 'google.protobuf',"
        " 'chappe.adapters', 'cryptography') if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, timeout=30, check=True
    )

    assert done.stderr.decode().splitlines()[-1] == "[]"


def commands(group: click.Group = root, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = [path]
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            found += commands(command, (*path, name))
        else:
            found.append((*path, name))
    return found


@pytest.mark.parametrize("path", commands(), ids=" ".join)
def test_each_command_has_help_that_says_what_it_does(
    path: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    code = root.main([*path, "-h"], prog_name="chappe", standalone_mode=False)
    out = capsys.readouterr().out

    assert code == 0
    assert out.startswith(" ".join(["Usage: chappe", *path]))
    assert "\\b" not in out


@pytest.mark.parametrize("path", commands(), ids=" ".join)
def test_each_option_says_what_it_does(path: tuple[str, ...]) -> None:
    command: click.Command = root
    for name in path:
        assert isinstance(command, click.Group)
        found = command.get_command(click.Context(command), name)
        assert found is not None
        command = found

    options = [one for one in command.params if isinstance(one, click.Option) and not one.hidden]
    assert [one.name for one in options if not one.help] == []


def test_the_help_tells_the_exit_codes() -> None:
    code, out, _ = chappe("--help")

    assert code == 0
    assert "130 interrupted" in out
    assert all(name in out for name in COMMANDS)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["evnt"], "did you mean 'event'"),
        (["event", "snd"], "snd"),
        (["event", "ls", "--typ", "x"], "--type"),
        (["event", "send"], "--type"),
        (["event", "send", "--type", "t", "-d", "no json"], "--content-type"),
        (["event", "send", "--type", "t", "-d", "1", "--data-file", "x"], "exclude each other"),
        (["event", "send", "--type", "t", "--ext", "novalue"], "NAME=VALUE"),
        (["event", "send", "--type", "t", "--ext", "id=7"], "no extension"),
        (["event", "send", "--type", "t", "--count", "0"], "--count"),
        (["event", "ls", "-o", "json", "--all"], "jsonl"),
        (["sub", "create"], "--to"),
        (["sub", "create", "--to", "http://x", "--filter", "regex:a=b"], "exact, prefix, suffix"),
        (["sub", "create", "--to", "http://x", "--filter-json", "[1]"], "--filter-json"),
        (["schema", "add", "t", "-"], "no JSON object"),
        (["--url", "ftp://x", "event", "ls"], "ftp://x"),
        (["dev", "--port", "high"], "port"),
        (["serve", "--shards", "257"], "shards"),
    ],
)
def test_wrong_usage_is_told_in_three_lines_and_ends_with_2(
    arguments: list[str], told: str
) -> None:
    code, out, err = chappe(*arguments)

    assert (code, out) == (2, "")
    assert [line.split(":")[0] for line in err.splitlines()] == ["error", "why", "next"]
    assert told in err


@pytest.mark.parametrize(
    "arguments", [["event", "ls"], ["event", "send", "--type", "t"], ["sub", "ls"],
                  ["event", "tail"], ["schema", "ls"], ["event", "send", "-"]],
)  # fmt: skip
def test_without_a_hub_it_ends_with_6_and_says_how_to_start_one(arguments: list[str]) -> None:
    event = b'{"specversion":"1.0","id":"1","source":"/x","type":"t"}'
    code, out, err = chappe(*arguments, env={"CHAPPE_URL": NOBODY}, stdin=event)

    assert (code, out) == (6, "")
    assert NOBODY in err
    assert "chappe dev" in err.splitlines()[-1]


def test_the_command_s_own_option_wins_over_the_root_s_and_that_over_the_environment() -> None:
    _, _, by_command = chappe("--url", f"{NOBODY}2", "sub", "ls", "--url", f"{NOBODY}3")
    _, _, by_root = chappe("--url", f"{NOBODY}2", "sub", "ls", env={"CHAPPE_URL": NOBODY})

    assert f"{NOBODY}3:" in by_command
    assert f"{NOBODY}2:" in by_root


def test_the_doctor_without_a_hub_fails_and_names_the_fix() -> None:
    code, out, _ = chappe("doctor", env={"CHAPPE_URL": NOBODY})

    assert code == 1
    assert "chappe dev" in out


def test_the_version_is_told() -> None:
    from chappe import __version__

    assert chappe("version") == (0, f"chappe {__version__}\n", "")
    told = json.loads(chappe("version", "-o", "json")[1])
    assert told["version"] == __version__
    assert set(told) == {"version", "python", "platform", "engine"}
    assert told["engine"].startswith("2.")


def test_the_version_is_told_where_there_is_no_engine(tmp_path: Path) -> None:
    code, out, _ = chappe("version", "-o", "json", env={"CHAPPE_NATS_SERVER": str(tmp_path / "x")})

    assert (code, json.loads(out)["engine"]) == (0, None)


def test_tokens_are_made_listed_and_taken_away(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "tokens.json"
    at = ["--file", str(file)]
    code, made, note = chappe("token", "new", "shop", "--right", "publish", *at)
    _, listed, _ = chappe("token", "ls", *at, "-o", "json")
    again, _, _ = chappe("token", "new", "shop", "--right", "publish", *at)
    removed, _, _ = chappe("token", "rm", "shop", "--yes", *at)
    missing, _, _ = chappe("token", "rm", "shop", "--yes", *at)

    assert (code, made[:4], note != "") == (0, "chp_", True)
    assert made.strip() not in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    assert [(one["name"], one["rights"]) for one in json.loads(listed)] == [("shop", ["publish"])]
    assert (again, removed, missing) == (5, 0, 3)


def test_a_terminal_gets_a_table_with_hints_and_no_escape_of_a_stranger() -> None:
    leader, follower = pty.openpty()
    rows = [{"id": "s-1", "sink": "http://x/\x1b[2J", "protocol": "HTTP"}]
    script = (
        "import asyncio, json, subprocess, sys\n"
        "from chappe.testing.http_sink import Reply, SinkServer\n"
        "async def main():\n"
        f"    reply = Reply(200, body=json.dumps({rows!r}).encode())\n"
        "    async with SinkServer([reply]) as sink:\n"
        "        run = await asyncio.create_subprocess_exec(sys.executable, '-m', 'chappe',\n"
        "            '--url', sink.url, 'sub', 'ls')\n"
        "        return await run.wait()\n"
        "sys.exit(asyncio.run(main()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        stdout=follower,
        stderr=follower,
        timeout=30,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
        check=False,
    )
    os.close(follower)
    shown = os.read(leader, 65_536).decode()
    os.close(leader)

    assert done.returncode == 0, shown
    assert "s-1" in shown
    assert "\x1b[2J" not in shown
    assert "\\x1b[2J" in shown


def test_ctrl_c_while_it_waits_for_input_ends_it_in_order() -> None:
    send = subprocess.Popen(
        [sys.executable, "-u", "-m", "chappe", "event", "send", "-"],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "CHAPPE_URL": NOBODY},
        # pytest may itself run with SIGINT ignored, which children inherit.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler) and None,
    )
    assert send.stdin is not None
    assert send.stderr is not None
    until = time.monotonic() + 20
    while len(list(Path(f"/proc/{send.pid}/task").iterdir())) < 2:  # the thread that reads
        assert time.monotonic() < until
        time.sleep(0.02)
    send.send_signal(signal.SIGINT)
    complaint = send.stderr.read()
    send.stderr.close()
    code = send.wait(20)
    send.stdin.close()

    assert (code, complaint.strip()) == (130, b"")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.Malformed("x", status=400), 1),
        (errors.InvalidEvent(attribute="id", value="", rule="r", spec="s"), 2),
        (errors.SchemaMismatch("x", [], status=422), 1),
        (errors.TooLarge("x", status=413), 1),
        (errors.UnsupportedFormat("x", status=415), 1),
        (errors.Malformed("url: …"), 2),
        (errors.InvalidSetting("x"), 2),
        (errors.NotFound("x"), 3),
        (errors.Unauthenticated("x"), 4),
        (errors.Forbidden("x"), 4),
        (errors.Conflict("x"), 5),
        (errors.Ambiguous("x"), 5),
        (errors.Unavailable("x"), 6),
        (errors.Overloaded("x", status=503), 6),
        (ChappeError("x", status=500), 7),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, ChappeError) else str(value),
)
def test_each_error_has_its_exit_code_and_words(error: ChappeError, code: int) -> None:
    told = list(lines(error))

    assert exit_code(error) == code
    assert (told[0].split(":")[0], told[-1].split(":")[0]) == ("error", "next")
    assert problem(error)["detail"] == error.message


def test_a_refused_payload_is_told_with_pointer_rule_value_and_the_schema() -> None:
    body = {
        "code": "schema_mismatch", "detail": "data: no", "status": 422,
        "declaration": "/messagegroups/shop/messages/order.paid",
        "errors": [{"pointer": "/total", "rule": "type", "value": '"x"', "message": "m"}],
    }  # fmt: skip
    headers = {"content-type": "application/problem+json"}
    told = list(lines(error_of(Answer(422, headers, json.dumps(body).encode()))))

    assert told[2].strip() == 'at /total  rule type  value "x"'
    assert told[-1].endswith("chappe schema get order.paid --group shop")


async def test_a_broken_hub_is_no_crash() -> None:
    import asyncio

    async with SinkServer([Reply(500, body=b"<h1>oops</h1>")]) as sink:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "chappe", "--url", sink.url, "sub", "ls"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()

    assert (process.returncode, out) == (7, b"")
    assert b"oops" in err
    assert b"Traceback" not in err


@pytest.mark.parametrize(
    ("when", "no_color", "force_color", "term", "tty", "wanted"),
    [
        ("auto", None, None, "xterm", True, True),
        ("auto", None, None, "xterm", False, False),
        ("auto", "1", None, "xterm", True, False),
        ("auto", "anything", "1", "xterm", True, False),
        ("auto", None, "1", "xterm", False, True),
        ("auto", None, None, "dumb", True, False),
        ("always", "1", None, "dumb", False, True),
        ("never", None, "1", "xterm", True, False),
    ],
)
def test_colour_goes_by_choice_then_environment_then_terminal(
    when: str, no_color: str | None, force_color: str | None, term: str, tty: bool, wanted: bool
) -> None:
    got = wants_color(when, no_color=no_color, force_color=force_color, term=term, tty=tty)

    assert got is wanted


def test_a_filter_is_split_at_its_first_signs() -> None:
    assert expression("suffix:subject=a=b:c") == {"suffix": {"subject": "a=b:c"}}


@pytest.mark.parametrize(
    ("text", "shown"), [("plain ü", "plain ü"), ("a\x1b[2Jb", "a\\x1b[2Jb"), ("a\r\nb", "a\\r\\nb")]
)
def test_what_could_move_the_cursor_is_shown_instead(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_columns_stand_under_each_other() -> None:
    assert aligned([("A", "BB"), ("ccc", "")]) == ["A    BB", "ccc"]


def test_numbers_read_as_people_say_them() -> None:
    assert [ordinal(n) for n in (1, 2, 3, 4, 11, 12, 13, 21, 102)] == [
        "1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "102nd",
    ]  # fmt: skip
    assert [latency(n) for n in (0, 31, 999, 1000, 2049)] == [
        "0 ms", "31 ms", "999 ms", "1.0 s", "2.0 s",
    ]  # fmt: skip
