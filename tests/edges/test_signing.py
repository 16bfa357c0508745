"""Signed deliveries of a real hub: keys are changed while events flow, and receivers can check each."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path

import pytest
from cli_process import Cli, chappe
from standardwebhooks.webhooks import Webhook

from chappe.testing.http_sink import Received, SinkServer

pytestmark = [pytest.mark.engine, pytest.mark.timeout(120)]

__all__ = ["chappe"]  # a fixture

KEY = "whsec_" + base64.b64encode(bytes(range(32))).decode()


def _raw(request: Received) -> bytes:
    fields = b"".join(b"%b: %b\r\n" % field for field in request.headers)
    return b"POST / HTTP/1.1\r\n" + fields + b"\r\n" + request.body


async def _delivered(chappe: Cli, sink: SinkServer, type_: str, id_: str) -> Received:
    def got() -> Received | None:
        return next((one for one in sink.requests if one.header("ce-id") == id_), None)

    chappe("event", "send", "--type", type_, "--id", id_, "-d", '{"total": 1}')
    await sink.until(lambda: got() is not None, within_s=60)
    found = got()
    assert found is not None
    return found


async def test_a_key_is_changed_without_a_delivery_that_nobody_can_check(
    chappe: Cli, tmp_path: Path
) -> None:
    async with SinkServer() as sink:
        made = chappe(
            "sub", "create", "--no-test", "--type", "signed.one", "--to", f"{sink.url}/",
            "--set", f'signing={{"secrets": ["{KEY}"]}}',
        )  # fmt: skip
        id_ = made.lines[0]
        first = await _delivered(chappe, sink, "signed.one", "S-1")
        headers = {name: first.header(name) or "" for name in names_of_signature()}
        assert Webhook(KEY).verify(first.body, headers) == {"total": 1}

        shown = chappe("sub", "get", id_, "-o", "json").json
        assert shown["signing"] == {}
        assert KEY not in made.out + made.err + json.dumps(shown)

        rotated = chappe("sub", "rotate", id_, "-o", "json").json
        assert rotated["keys"] == 2
        assert rotated["overlap_until"] > time.strftime("%Y-%m-%d")
        second = await _delivered(chappe, sink, "signed.one", "S-2")
        assert len((second.header("webhook-signature") or "").split()) == 2
        for key in (KEY, rotated["key"]):
            file = tmp_path / "request.http"
            file.write_bytes(_raw(second))
            yes = chappe("event", "verify", str(file), "--key", key)
            assert (yes.code, yes.out[:10]) == (0, "✓ signed (")
        no = chappe("event", "verify", str(file), "--key", KEY.replace("AAEC", "ABEC"))
        assert no.code == 1
        assert no.out.startswith("✗ webhook-signature: none of the 2 signatures")

        last = chappe(
            "sub", "rotate", id_, "--kind", "ed25519", "--overlap", "0", "-o", "json"
        ).json
        third = await _delivered(chappe, sink, "signed.one", "S-3")
        body = tmp_path / "body"
        body.write_bytes(third.body)
        options = [f"--header={name}: {third.header(name)}" for name in names_of_signature()]
        yes = chappe("event", "verify", str(body), "--key", last["public"], *options)
        assert (yes.code, yes.out[:14]) == (0, "✓ signed (v1a)")
        old = chappe("event", "verify", str(body), "--key", KEY, *options)
        assert old.code == 1


def names_of_signature() -> tuple[str, ...]:
    return ("webhook-id", "webhook-timestamp", "webhook-signature")


def test_a_key_that_is_none_is_refused_without_being_shown(chappe: Cli) -> None:
    refused = chappe(
        "sub",
        "create",
        "--no-test",
        "--to",
        "http://127.0.0.1:9/",
        "--set",
        'signing={"secrets": ["hunter2"]}',
    )
    assert refused.code == 1
    assert "signing/secrets/0: a key begins with 'whsec_' or 'whsk_'" in refused.err
    assert "hunter2" not in refused.out + refused.err.replace("--set", "")


def test_signing_without_a_key_says_what_is_missing(chappe: Cli) -> None:
    refused = chappe(
        "sub", "create", "--no-test", "--to", "http://127.0.0.1:9/", "--set", "signing={}"
    )
    assert refused.code == 1
    assert "signing/secrets: is missing and is required" in refused.err


def test_a_message_that_has_no_signature_is_told(chappe: Cli, tmp_path: Path) -> None:
    file = tmp_path / "request.http"
    file.write_bytes(b"POST / HTTP/1.1\r\nhost: a\r\n\r\n{}")
    ran = chappe("event", "verify", str(file), "--key", KEY)
    assert ran.code == 2
    assert "webhook-id, webhook-timestamp, webhook-signature: not among the headers" in ran.err


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("ordering", "is not PATH=VALUE"),
        (".a=1", "is not PATH=VALUE"),
        ("sink.a=1", "'sink' is no object"),
    ],
)
def test_a_setting_of_another_form_is_a_usage_error(chappe: Cli, setting: str, says: str) -> None:
    ran = chappe("sub", "create", "--no-test", "--to", "http://127.0.0.1:9/", "--set", setting)
    assert ran.code == 2
    assert says in ran.err


def test_settings_reach_their_fields(chappe: Cli) -> None:
    made = chappe(
        "sub", "create", "--no-test", "--type", "none.at.all", "--to", "http://127.0.0.1:9/", "-o", "json",
        "--set", "ordering=key", "--set", "rate.per_second=50", "--set", "rate.burst=5",
    )  # fmt: skip
    assert made.code == 0, made.err
    assert (made.json["ordering"], made.json["rate"]) == ("key", {"per_second": 50, "burst": 5})
