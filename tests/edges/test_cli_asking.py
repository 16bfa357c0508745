"""The command line against a hub: contexts, completion in real shells, raw requests, forms of output."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import pytest
import yaml
from cli_process import Cli, Ran, chappe, shop

from chappe.cli.cells import cells
from chappe.cli.completion import SHELLS

PROGRAMS = Path(sys.executable).parent
TYPES = ("ask.order.paid", "ask.order.placed", "ask.invoice.sent")
NOBODY = "http://127.0.0.1:1"

pytestmark = [pytest.mark.timeout(180)]

__all__ = ["chappe"]  # a fixture


@pytest.fixture(scope="module")
def hub(chappe: Cli) -> Cli:
    assert chappe.apply(shop("ask", **{one: {} for one in TYPES})).code == 0
    for name in ("ask-billing", "ask-crm"):
        made = chappe("sub", "create", name, "--to", "http://127.0.0.1:9/", "--no-test")
        assert made.code == 0, made.err
    for number in range(5):
        sent = chappe("event", "send", "--type", TYPES[0], "--id", f"e{number}", "-d", "{}")
        assert sent.code == 0, sent.err
    return chappe


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """An environment with a configuration and a cache of its own, and no CHAPPE_URL."""
    return {
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "CHAPPE_URL": "",
        "PATH": f"{PROGRAMS}{os.pathsep}{os.environ.get('PATH', '')}",
    }


T = TypeVar("T")
U = TypeVar("U")


def context(hub: Cli, home: Mapping[str, str], name: str, *options: str) -> None:
    added = hub("context", "add", name, "--url", hub.url, *options, env=home)
    assert added.code == 0, added.err


# --- contexts


def test_contexts_are_added_used_listed_shown_and_forgotten(
    hub: Cli, home: dict[str, str], tmp_path: Path
) -> None:
    context(hub, home, "here", "--token", "chp_S3CRET")
    assert hub("context", "add", "gone", "--url", NOBODY, env=home).code == 0

    assert hub("sub", "ls", "-o", "name", env=home).code == 0, "the first one is in use"
    assert hub("context", "use", "gone", env=home).out == "gone\n"
    assert hub("sub", "ls", env=home).code == 6
    assert hub("sub", "ls", "--context", "here", env=home).code == 0
    assert hub("sub", "ls", env={**home, "CHAPPE_CONTEXT": "here"}).code == 0
    assert hub("context", "use", "-", env=home).out == "here\n"
    assert hub("context", "ls", "-o", "name", env=home).lines == ["here", "gone"]
    shown = hub("context", "show", "-o", "json", env=home)
    assert shown.json["url"]["value"] == hub.url
    assert shown.json["url"]["from"].startswith("context here (")
    everything = [hub("context", *words, env=home) for words in (["show"], ["ls", "-o", "yaml"])]
    assert "S3CRET" not in "".join(one.out + one.err for one in (*everything, shown))
    assert hub("context", "validate", "--connect", env=home).code == 1
    assert hub("context", "validate", "here", "--connect", env=home).code == 0
    assert hub("context", "rm", "here", env=home).code == 0
    assert hub("context", "show", "here", env=home).code == 2
    file = tmp_path / "config" / "chappe" / "config.toml"
    assert file.stat().st_mode & 0o777 == 0o600
    assert "S3CRET" not in file.read_text()


def test_a_context_is_not_replaced_by_mistake(hub: Cli, home: dict[str, str]) -> None:
    context(hub, home, "here")

    again = hub("context", "add", "here", "--url", NOBODY, env=home)

    assert again.code == 5
    assert hub("context", "add", "here", "--url", NOBODY, "--replace", env=home).code == 0


def test_a_protected_context_is_neither_replaced_nor_forgotten_without_its_name(
    hub: Cli, home: dict[str, str]
) -> None:
    context(hub, home, "prod", "--protected")
    anew = ("context", "add", "prod", "--url", hub.url, "--protected", "--replace")

    assert hub(*anew, "--yes", env=home).code == 2
    assert hub(*anew, "--confirm", "prod", env=home).code == 0
    assert hub("context", "rm", "prod", "--yes", env=home).code == 2
    assert hub("context", "rm", "prod", "--confirm", "prod", env=home).code == 0


def test_an_output_that_stands_in_the_configuration_is_a_wish(
    hub: Cli, home: dict[str, str]
) -> None:
    context(hub, home, "here", "--output", "json")

    assert hub("sub", "ls", env=home).json[0]["id"] == "ask-billing"
    assert hub("schema", "diff", "-h", env=home).code == 0
    assert hub("open", "--print", env=home).out == f"{hub.url}/console/\n"


def test_what_destroys_in_a_protected_context_needs_its_name(
    hub: Cli, home: dict[str, str]
) -> None:
    context(hub, home, "prod", "--protected")
    assert hub("sub", "create", "ask-doomed", "--to", "http://127.0.0.1:9/", "--no-test").code == 0

    bare = hub("sub", "rm", "ask-doomed", "--yes", env=home)
    other = hub("sub", "rm", "ask-doomed", "--confirm", "dev", env=home)
    by_url = hub("sub", "rm", "ask-doomed", "--yes", "--url", hub.url, env=home)
    raw = hub("api", "DELETE", "/subscriptions/ask-doomed", env=home)

    assert [one.code for one in (bare, other, by_url, raw)] == [2, 2, 2, 2]
    assert "--confirm prod" in bare.err
    assert hub("sub", "get", "ask-doomed").code == 0
    assert hub("sub", "rm", "ask-doomed", "--confirm", "prod", env=home).out == "ask-doomed\n"


@pytest.mark.parametrize(("typed", "code"), [("yes", 130), ("prod", 0)])
def test_a_person_types_the_name_of_a_protected_context(
    hub: Cli, home: dict[str, str], typed: str, code: int
) -> None:
    context(hub, home, "prod", "--protected")
    name = f"ask-typed-{typed}"
    assert hub("sub", "create", name, "--to", "http://127.0.0.1:9/", "--no-test").code == 0

    said, ended = on_a_terminal(hub, home, ["sub", "rm", name], f"{typed}\n")

    assert "protected context prod" in said
    assert ended == code
    assert hub("sub", "get", name).code == (3 if code == 0 else 0)


def test_the_context_s_name_stands_in_every_prompt(hub: Cli, home: dict[str, str]) -> None:
    context(hub, home, "here")

    asked = hub("sub", "rm", "ask-crm", env=home)

    assert asked.code == 2
    assert "(context here)" in asked.err


def test_an_accessible_list_is_printed_anew_below(hub: Cli) -> None:
    said = watched(hub, {"CHAPPE_ACCESSIBLE": "1"})

    assert "\x1b" not in said
    assert said.count("ask-billing") == 1, "nothing changed, so it is not said again"


def test_a_list_is_drawn_anew_in_its_place_else(hub: Cli) -> None:
    assert "\x1b[H" in watched(hub, {"CHAPPE_ACCESSIBLE": ""})


def watched(hub: Cli, env: Mapping[str, str]) -> str:
    """What `sub ls -w` puts on a terminal until it has asked three times."""
    words = ["sub", "get", "ask-billing", "-w", "-v", "-o", "name"]
    said, _ = on_a_terminal(hub, env, words, "", until=b": 200, ", times=3)
    return "".join(line for line in said.splitlines(keepends=True) if not line.startswith("* "))


@pytest.mark.parametrize(
    ("words", "until"),
    [
        (["sub", "ls"], b""),
        (["type", "ls"], b""),
        (["find", "ask"], b""),
        (["top", "--every", "0.2"], b"LAST SEEN"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_tables_hold_together_on_a_narrow_terminal(
    hub: Cli, words: list[str], until: bytes
) -> None:
    long, wide = f"ask.long.{'x' * 200}", "ask.\u6ce8\u6587.\u652f\u6255\u6e08"
    for type_ in (long, wide):
        sent = hub("event", "send", "--type", type_, "--id", type_[:20], "-d", "{}")
        assert sent.code == 0, sent.err
    narrow = {"COLUMNS": "60", "LINES": "30", "NO_COLOR": "1", "TERM": "dumb"}

    said, _ = on_a_terminal(hub, narrow, words, "", until=until, times=2 if until else 0)

    lines = [
        re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", line).rstrip()
        for line in said.splitlines()
        if not line.startswith(("next:", "Aborted"))
    ]
    assert any("ask" in line for line in lines)
    assert [line for line in lines if cells(line) > 60] == []


def on_a_terminal(
    hub: Cli,
    home: Mapping[str, str],
    words: list[str],
    typed: str,
    *,
    until: bytes = b"",
    times: int = 0,
) -> tuple[str, int]:
    """What is said, and the exit code; interrupted once it has said `until` so many times."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "chappe", *words],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        cwd=hub.home,
        env=hub.environment(home),
    )
    os.close(slave)
    said, end = b"", time.monotonic() + 90
    try:
        while time.monotonic() < end:
            ready, _, _ = select.select([master], [], [], 1.0)
            try:
                part = os.read(master, 4096) if ready else None
            except OSError:
                break  # Linux: the other end is closed
            if part == b"":
                break
            said += part or b""
            if typed and b"go on" in said:
                os.write(master, typed.encode())
                typed = ""
            if times and said.count(until) >= times:
                process.send_signal(signal.SIGINT)
                times = 0
        return said.decode(), process.wait(60)
    finally:
        process.kill()
        os.close(master)


# --- forms of output


def test_columns_and_order_are_as_they_are_asked_for(hub: Cli) -> None:
    ran = hub("event", "ls", "--type", TYPES[0], "--columns", "id,Type", "--sort-by", "-id")

    assert ran.lines[0].split() == ["ID", "TYPE"]
    assert [line.split()[0] for line in ran.lines[1:]] == ["e4", "e3", "e2", "e1", "e0"]


def test_wide_has_more_columns(hub: Cli) -> None:
    assert "EPOCH" not in hub("sub", "ls").lines[0]
    assert hub("sub", "ls", "-o", "wide").lines[0].split()[-2:] == ["PROTOCOL", "EPOCH"]


@pytest.mark.parametrize("noun", ["type", "endpoint", "schema"])
def test_lists_of_the_registry_have_more_columns_when_wide(hub: Cli, noun: str) -> None:
    assert hub(noun, "ls", "-o", "wide").lines[0].split()[-1] == "XID"


def test_an_unknown_column_is_refused_before_anything_is_asked(hub: Cli) -> None:
    ran = hub("sub", "ls", "--columns", "id,stat", env={"CHAPPE_URL": NOBODY})

    assert ran.code == 2
    assert "did you mean state?" in ran.err


@pytest.mark.parametrize("form", ["json", "jsonl", "name", "yaml"])
def test_columns_are_for_tables(hub: Cli, form: str) -> None:
    assert hub("sub", "ls", "--columns", "id", "-o", form).code == 2


def between(ask: Callable[[], T], other: Callable[[], U]) -> tuple[T, U]:
    """What one way says and what the other says, of a time in which the first did not change."""
    for _ in range(20):
        before, found = ask(), other()
        if ask() == before:
            return before, found
    raise AssertionError("the answer changes again and again")


@pytest.mark.parametrize(
    "words",
    [
        ["sub", "ls"],
        ["sub", "get", "ask-crm"],
        ["event", "get", "e1"],
        ["event", "ls"],
        ["version"],
    ],
    ids=" ".join,
)
def test_yaml_says_what_json_says_and_json_is_the_api_s(hub: Cli, words: list[str]) -> None:
    said, printed = between(
        lambda: hub(*words, "-o", "json").json,
        lambda: yaml.safe_load(hub(*words, "-o", "yaml").out),
    )
    assert printed == said


def test_json_of_a_list_is_the_answer_byte_for_byte(hub: Cli) -> None:
    body, printed = between(
        lambda: hub.body("/subscriptions"), lambda: hub("sub", "ls", "-o", "json").out.encode()
    )
    assert printed == body


def test_verbose_says_what_is_asked_on_standard_error(hub: Cli, home: dict[str, str]) -> None:
    context(hub, home, "here")

    ran = hub("sub", "ls", "-v", "-o", "name", env=home)

    assert {"ask-billing", "ask-crm"} <= set(ran.lines)
    assert f"* context here  {hub.url}" in ran.err
    assert "* GET /subscriptions: 200, " in ran.err


def test_debug_http_shows_requests_and_answers_without_secrets(hub: Cli) -> None:
    made = hub(
        "--debug-http", "--token", "chp_S3CRET", "sub", "create", "ask-secret",
        "--to", "http://127.0.0.1:9/", "--no-test", "--bearer", "S3CRET2",
    )  # fmt: skip

    assert made.code == 0, made.err
    assert "> POST /subscriptions" in made.err
    assert "> authorization: ***" in made.err
    assert "< 201" in made.err
    assert "S3CRET" not in made.out + made.err


# --- raw requests


def test_a_raw_request_gives_the_body_as_it_is(hub: Cli) -> None:
    assert hub("api", "get", "/subscriptions").out.encode() == hub.body("/subscriptions")
    assert hub("api", "GET", f"{hub.url}/subscriptions").code == 0


def test_a_raw_request_has_a_body_and_headers(hub: Cli) -> None:
    event = {"specversion": "1.0", "id": "raw-1", "source": "/t", "type": "ask.raw"}
    media_type = "Content-Type: application/cloudevents+json"
    file = hub.home / "raw.json"
    file.write_text(json.dumps(event))

    sent = hub("api", "POST", "/events", "-H", media_type, "-d", "-", stdin=json.dumps(event))
    again = hub("api", "POST", "/events", "-H", media_type, "-d", f"@{file}", "-i")

    assert sent.code == 0
    assert again.out.startswith("HTTP/1.1 202")
    assert json.loads(again.out.partition("\r\n\r\n")[2])["position"]


def test_all_pages_of_events_are_one_array(hub: Cli) -> None:
    one = hub("api", "GET", f"/events?type={TYPES[0]}&limit=2")
    every = hub("api", "GET", f"/events?type={TYPES[0]}&limit=2", "--paginate")

    assert len(one.json) == 2
    assert [found["event"]["id"] for found in every.json] == ["e4", "e3", "e2", "e1", "e0"]


@pytest.mark.parametrize(
    "path",
    [
        "/subscriptions",
        "/find",
        "/messagegroups/ask/messages",
        "/schemagroups/default/schemas",
        "/confluent/subjects",
    ],
)
def test_all_pages_are_what_one_page_would_have_been(hub: Cli, path: str) -> None:
    for type_ in (
        TYPES[:2] if path in ("/schemagroups/default/schemas", "/confluent/subjects") else ()
    ):
        subject = f"/confluent/subjects/{type_}/versions"
        made = hub("api", "POST", subject, "-d", '{"schema": "\\"string\\""}')
        assert made.code == 0, made.err
    whole, paged = (hub("api", "GET", f"{path}{query}", "--paginate") for query in ("", "?limit=1"))

    assert (whole.code, paged.code) == (0, 0), whole.err + paged.err
    assert len(hub("api", "GET", f"{path}?limit=1", "--paginate", "-o", "jsonl").lines) > 1
    asked = hub("api", "GET", path)
    if path == "/subscriptions":  # how delivery goes changes between two answers
        assert ids_of(paged) == ids_of(whole) == ids_of(asked)
    else:
        assert paged.json == whole.json == asked.json


def ids_of(ran: Ran) -> list[str]:
    return [one["id"] for one in ran.json]


def test_the_pages_of_a_list_that_knows_no_offset_end(hub: Cli) -> None:
    alone = hub("api", "GET", "/confluent/schemas/types")

    assert hub("api", "GET", "/confluent/schemas/types", "--paginate").json == alone.json


def test_as_lines_each_page_is_one(hub: Cli) -> None:
    ran = hub("api", "GET", f"/events?type={TYPES[0]}&limit=2", "--paginate", "-o", "jsonl")

    assert [len(json.loads(line)) for line in ran.lines] == [2, 2, 1]


def test_pages_beyond_the_bound_are_told(hub: Cli) -> None:
    ran = hub("api", "GET", f"/events?type={TYPES[0]}&limit=2", "--paginate", "--max-pages", "2")

    assert ran.code == 1
    assert [found["event"]["id"] for found in ran.json] == ["e4", "e3", "e2", "e1"]
    assert "more than 2 pages; they go on at /events?" in ran.err
    following = ran.err.split(" go on at ")[1].strip()
    assert [x["event"]["id"] for x in hub("api", "GET", following).json] == ["e0"]


def test_pages_that_are_interrupted_are_a_whole_document(hub: Cli) -> None:
    # Newer events than there are: the page that is waited for is empty for 30 s.
    path = f"/events?type={TYPES[0]}&order=asc&limit=4&wait=30"
    asking = subprocess.Popen(
        [sys.executable, "-m", "chappe", "--timeout", "60", "api", "GET", path, "--paginate"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,  # communicate() knows nothing of what a buffer has
        env=hub.environment(),
        cwd=hub.home,
    )
    try:
        assert asking.stdout is not None
        came = asking.stdout.read(1)
        while b'"e4"' not in came:
            part = asking.stdout.read(1)
            assert part, came
            came += part
        asking.send_signal(signal.SIGINT)
        rest, _ = asking.communicate(timeout=60)
    finally:
        asking.kill()
        asking.wait()

    assert asking.returncode == 130
    assert len(json.loads(came + rest)) == 5


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["GET", "/subscriptions/none"], 3),
        (["POST", "/events", "-d", "{}"], 1),
        (["GET", "/", "-H", "no colon"], 2),
        (["GET", "/", "-H", "host: x"], 2),
        (["POST", "/events", "-d", "@none"], 2),
        (["POST", "/events", "--paginate"], 2),
        (["GET", "/events", "--paginate", "-i"], 2),
        (["GET", "/channels/none/events", "--paginate"], 3),
        (["GET", "http://elsewhere.example/"], 2),
        (["TRACE", "/"], 2),
    ],
)
def test_a_raw_request_ends_as_every_command_does(hub: Cli, words: list[str], code: int) -> None:
    ran = hub("api", *words)

    assert ran.code == code
    assert ran.err.startswith("error: ")
    if code in (1, 3):
        assert "code" in ran.json, "the answer's body"


def test_a_page_of_the_console_is_there(hub: Cli) -> None:
    for words in (["type", TYPES[0]], ["event", "e1"], ["sub", "ask-crm"], ["delivery"], ["live"],
                  ["map"], ["health"], ["schema"], []):  # fmt: skip
        url = hub("open", *words, "--print").out.strip()
        assert url.startswith(f"{hub.url}/console/")
        assert b"<html" in hub.body(url.removeprefix(hub.url))


def test_the_browser_gets_the_page_and_without_one_it_is_printed(hub: Cli, tmp_path: Path) -> None:
    browser, got = tmp_path / "browser", tmp_path / "got"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > {got}\n')
    browser.chmod(0o755)

    opened = hub("open", "map", env={"BROWSER": f"{browser} %s"})
    alone = hub("open", "map", env={"BROWSER": "/nonexistent/browser %s", "PATH": "/nonexistent"})

    assert opened.out == ""
    assert got.read_text() == f"{hub.url}/console/map"
    assert alone.out == f"{hub.url}/console/map\n"


# --- completion

_BASH = """
source <(chappe completion bash)
COMP_WORDS=({words}); COMP_CWORD={at}; COMP_LINE="{line}"; COMP_POINT={point}
_chappe_completion chappe
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


def pressed(hub: Cli, home: Mapping[str, str], line: str) -> tuple[list[str], str]:
    """What bash offers after the line, and what stands on standard error."""
    words = line.split(" ")
    quoted = " ".join(f"'{one}'" for one in words)
    script = _BASH.format(words=quoted, at=len(words) - 1, line=line, point=len(line))
    done = subprocess.run(
        ["bash", "--norc", "-c", script],
        capture_output=True,
        timeout=120,
        env=hub.environment(home),
        cwd=hub.home,
        check=False,
    )
    return done.stdout.decode().split(), done.stderr.decode()


@pytest.fixture
def at_hub(hub: Cli, home: dict[str, str]) -> dict[str, str]:
    return {**home, "CHAPPE_URL": hub.url}


needs_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")


@needs_bash
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("chappe comp", ["completion"]),
        ("chappe type ge", ["get"]),
        ("chappe sub ls --verb", ["--verbose"]),
        ("chappe sub ls -o js", ["json", "jsonl"]),
        ("chappe sub get ask-b", ["ask-billing"]),
        ("chappe sub rm ask-billing ask-c", ["ask-crm"]),
        ("chappe type get ask.order", ["ask.order.paid", "ask.order.placed"]),
        ("chappe event ls --type ask.i", ["ask.invoice.sent"]),
        ("chappe --timeout 3 type get ask.i", ["ask.invoice.sent"]),
        ("chappe source get none", []),
        ("chappe nonsense x", []),
    ],
)
def test_bash_offers_what_there_is(
    hub: Cli, at_hub: dict[str, str], line: str, offered: list[str]
) -> None:
    # The 0.3 s that TAB may take can be too little for a busy machine: what came late is asked again.
    until = time.monotonic() + 90
    found, said = pressed(hub, at_hub, line)
    while found != offered and time.monotonic() < until:
        found, said = pressed(hub, at_hub, line)

    assert found == offered
    assert said == ""


@needs_bash
def test_names_are_kept_so_the_hub_need_not_answer(hub: Cli, at_hub: dict[str, str]) -> None:
    until = time.monotonic() + 90
    while pressed(hub, at_hub, "chappe type get ask.o")[0] == [] and time.monotonic() < until:
        pass
    kept = list(Path(at_hub["XDG_CACHE_HOME"]).rglob("*.json"))

    assert [file.stat().st_mode & 0o777 for file in kept] == [0o600]
    assert json.loads(kept[0].read_bytes())["type"]["ask.o"][2] == [
        "ask.order.paid",
        "ask.order.placed",
    ]
    # Known by a shorter beginning: what was cached answers, and no other entry is made.
    assert pressed(hub, at_hub, "chappe type get ask.order.pl")[0] == ["ask.order.placed"]
    assert list(json.loads(kept[0].read_bytes())["type"]) == ["ask.o"]


@needs_bash
@pytest.mark.parametrize("url", [NOBODY, "no url at all", "http://192.0.2.1:9"])
def test_without_a_hub_nothing_is_offered_and_nothing_said(
    hub: Cli, home: dict[str, str], url: str
) -> None:
    assert pressed(hub, {**home, "CHAPPE_URL": url}, "chappe type get a") == ([], "")


@needs_bash
def test_a_broken_configuration_keeps_the_shell_quiet(
    hub: Cli, home: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "broken.toml"
    file.write_text("what = [")

    asked = {**home, "CHAPPE_CLI_CONFIG": str(file)}

    assert pressed(hub, asked, "chappe type get a") == ([], "")
    assert pressed(hub, asked, "chappe comp") == (["completion"], "")


@needs_bash
def test_bash_offers_contexts(hub: Cli, home: dict[str, str]) -> None:
    context(hub, home, "staging")

    assert pressed(hub, home, "chappe context use st") == (["staging"], "")
    assert pressed(hub, home, "chappe sub ls --context st") == (["staging"], "")


@pytest.mark.parametrize("shell", SHELLS)
def test_each_script_is_one_that_its_shell_reads(
    hub: Cli, home: dict[str, str], shell: str, tmp_path: Path
) -> None:
    script = hub("completion", shell, env=home)

    assert script.code == 0
    assert f"{shell}_complete" in script.out
    program = "pwsh" if shell == "powershell" else shell
    if shutil.which(program) is None:
        pytest.skip(f"no {program} on this machine: its script is not run")
    file = tmp_path / "script.ps1"
    file.write_text(script.out)
    read = ["-NoProfile", "-File"] if program == "pwsh" else ["-n"]
    subprocess.run([program, *read, str(file)], check=True, capture_output=True, timeout=60)


# What the script for PowerShell does: the elements of the command a line each, and which is completed.
def powershell(hub: Cli, home: Mapping[str, str], *elements: str) -> list[dict[str, str]]:
    """What PowerShell is answered for elements as they are typed, the last one at the cursor."""
    words = elements if elements[-1] else elements[:-1]
    asked = {
        "_CHAPPE_COMPLETE": "powershell_complete",
        "COMP_WORDS": "\n".join(words),
        "COMP_CWORD": str(len(elements) - 1),
    }
    ran = hub(env={**home, **asked})
    assert (ran.code, ran.err) == (0, "")
    return [json.loads(line) for line in ran.lines if line]


@pytest.mark.parametrize(
    ("elements", "texts"),
    [
        (("chappe", "comp"), ["completion"]),
        (("chappe", "token", ""), ["ls", "new", "rm"]),
        (("chappe", "sub", "ls", "--verb"), ["--verbose"]),
        (("chappe", "sub", "ls", "--output=js"), ["--output=json", "--output=jsonl"]),
        (("chappe", "sub", "ls", "-o", "'js"), ["json", "jsonl"]),
        (("chappe", "sub", "rm", "'ask-billing'", "ask-c"), ["ask-crm"]),
        (("chappe", "type", "get", "'ask.order"), ["ask.order.paid", "ask.order.placed"]),
        (("chappe", "event", "ls", "--type=ask.i"), ["--type=ask.invoice.sent"]),
        (("chappe", "source", "get", "none"), []),
        (("chappe", "nonsense", "x"), []),
    ],
)
def test_powershell_is_answered_what_there_is(
    hub: Cli, at_hub: dict[str, str], elements: tuple[str, ...], texts: list[str]
) -> None:
    until = time.monotonic() + 90
    offered = powershell(hub, at_hub, *elements)
    while [one["text"] for one in offered] != texts and time.monotonic() < until:
        offered = powershell(hub, at_hub, *elements)

    assert [one["text"] for one in offered] == texts
    assert {one["type"] for one in offered} <= {"plain"}


def test_powershell_is_told_what_a_command_does(hub: Cli, home: dict[str, str]) -> None:
    (offered,) = powershell(hub, home, "chappe", "type", "dep")

    assert offered["shown"] == "deprecate"
    assert "deprecated" in offered["tip"]


def test_powershell_gets_names_with_signs_of_its_own_quoted(
    hub: Cli, at_hub: dict[str, str]
) -> None:
    sent = hub("event", "send", "--type", "it's odd $1", "-d", "{}")
    assert sent.code == 0, sent.err
    until = time.monotonic() + 90
    offered = powershell(hub, at_hub, "chappe", "type", "get", "\"it's")
    while not offered and time.monotonic() < until:
        offered = powershell(hub, at_hub, "chappe", "type", "get", "\"it's")

    assert offered == [
        {"type": "plain", "text": "'it''s odd $1'", "shown": "it's odd $1", "tip": "it's odd $1"}
    ]


@pytest.mark.skipif(shutil.which("pwsh") is None, reason="no pwsh here: its own TAB is not pressed")
@pytest.mark.parametrize(
    ("line", "texts"),
    [
        ("chappe comp", ["completion"]),
        ("$null; chappe sub ls -o js", ["json", "jsonl"]),
        ("chappe sub ls --output=js", ["--output=json", "--output=jsonl"]),
        ("chappe sub get no-such-", []),
    ],
)
def test_powershell_offers_what_there_is(
    hub: Cli, at_hub: dict[str, str], line: str, texts: list[str]
) -> None:
    script = (
        "chappe completion pwsh | Out-String | Invoke-Expression\n"
        f"$line = '{line}'\n"
        "(TabExpansion2 $line $line.Length).CompletionMatches | ForEach-Object CompletionText"
    )

    done = subprocess.run(
        ["pwsh", "-NoProfile", "-NonInteractive", "-Command", script],
        capture_output=True,
        timeout=120,
        env=hub.environment(at_hub),
        cwd=hub.home,
        check=True,
    )

    assert done.stdout.decode().split() == texts


def test_pwsh_is_powershell(hub: Cli) -> None:
    assert hub("completion", "pwsh").out == hub("completion", "powershell").out


def test_other_shells_are_told_that_there_is_none(hub: Cli) -> None:
    ran = hub("completion", "tcsh")

    assert ran.code == 2
    assert "bash, zsh, fish, powershell" in ran.err
