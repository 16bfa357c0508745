"""The whole hub, as somebody with the right to subscribe may abuse it; and what it never tells."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from tests.chaos.http import Answer, Client
from tests.chaos.hub import HubProcess

from chappe.adapters.auth import tokens
from chappe.testing.certificates import Authority
from chappe.testing.http_sink import Received, Reply, SinkServer

pytestmark = [pytest.mark.engine, pytest.mark.timeout(90)]

EVENT = {
    "ce-specversion": "1.0",
    "ce-source": "/shop",
    "ce-type": "order.paid",
    "content-type": "application/json",
}
LOOPBACK = (
    *("127.0.0.1", "127.1", "127.0.0.1.", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1"),
    *("017700000001", "127.255.255.254", "[::1]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]"),
    *("[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::127.0.0.1]", "[64:ff9b:1::7f00:1]"),
    *("[2002:7f00:1::]", "[2001:db8::5efe:127.0.0.1]", "localhost", "LocalHost.", "x.localhost"),
)
METADATA = (
    *("169.254.169.254", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518"),
    *("[::ffff:169.254.169.254]", "[fd00:ec2::254]", "[64:ff9b::a9fe:a9fe]", "100.100.100.200"),
    *("169.254.170.2", "168.63.129.16", "[fe80::1]", "[fe80::1%25eth0]", "169.254.1.1"),
)
NOWHERE = ("0.0.0.0", "0", "[::]", "255.255.255.255", "224.0.0.1", "[ff02::1]", "240.0.0.1")
TRICKS = (
    *("8.8.8.8@127.0.0.1", "127.0.0.1%00.example.com", "%31%32%37.0.0.1", "127%2e0.0.1"),
    *("127.0.0.1\\@8.8.8.8", "8.8.8.8#@127.0.0.1", "\uff11\uff12\uff17.0.0.1", "127\u30020.0.1"),
    *("8.8.8.8:80@127.0.0.1", "[::1", "[v1.x]", "127.0.0.1:80:80", " 127.0.0.1", "127.0.0.1\t"),
)


def subscription(sink: str, **more: object) -> dict[str, object]:
    return {"sink": sink, "protocol": "HTTP", "retry": {"base_s": 0.05}, **more}


async def made(client: Client, sink: str, **more: object) -> str:
    answer = await client.ask_json("POST", "/subscriptions", subscription(sink, **more))
    assert answer.status == 201, answer.body
    return answer.headers["location"]


async def publish(client: Client, id_: str, **headers: str) -> Answer:
    answer = await client.ask("POST", "/events", EVENT | {"ce-id": id_, **headers}, b"{}")
    assert answer.status == 202, answer.body
    return answer


async def first_reasons(client: Client, number: int) -> list[str]:
    """Why the first attempts of the event A-1 failed, once so many subscriptions have tried."""
    async with asyncio.timeout(60):
        while True:
            trace = (await client.ask("GET", "/events/A-1/trace")).json()
            attempts = [lane["attempts"] for lane in trace["subscriptions"] if lane["attempts"]]
            if len(attempts) == number:
                return [each[0]["reason"] for each in attempts]


async def test_no_notation_of_an_address_gets_past_a_hub_on_a_network(tmp_path: Path) -> None:
    async with HubProcess(tmp_path / "data", "--egress", "network") as hub:
        client = hub.client()
        for host in (*LOOPBACK, *METADATA, *NOWHERE, *TRICKS):
            document = subscription(f"http://{host}:8080/hook")
            for method, path in (
                ("POST", "/subscriptions"),
                ("PUT", "/endpoints/hub/subscriptions/s-1"),
            ):
                answer = await client.ask_json(method, path, document)
                assert answer.status == 400, (host, answer.body)
                assert b"sink" in answer.body, (host, answer.body)
        assert (await client.ask("GET", "/subscriptions")).json() == []
        await made(client, "http://10.1.2.3:8080/")


async def test_a_hub_on_loopback_reaches_loopback_but_no_metadata(tmp_path: Path) -> None:
    async with HubProcess(tmp_path / "data") as hub, SinkServer() as sink:
        client = hub.client()
        for host in (*METADATA, *NOWHERE):
            answer = await client.ask_json(
                "POST", "/subscriptions", subscription(f"http://{host}/")
            )
            assert answer.status == 400, (host, answer.body)
        await made(client, f"http://127.1:{sink.port}/")
        await publish(client, "A-1")
        await sink.until(lambda: sink.count == 1)


async def test_a_sink_that_is_no_longer_allowed_is_refused_at_the_connection(
    tmp_path: Path,
) -> None:
    """And what a name stands for is looked at then, too."""
    async with SinkServer() as sink:
        async with HubProcess(tmp_path / "data") as hub:
            await made(hub.client(), sink.url)
            await made(hub.client(), f"http://localhost:{sink.port}/")
        options = ("--egress", "strict", "--egress-allow", "127.0.0.1:1,hooks.example.com")
        async with HubProcess(tmp_path / "data", *options) as hub:
            client = hub.client()
            await publish(client, "A-1")

            reasons = await first_reasons(client, 2)
    assert any(
        reason == "127.0.0.1 is a loopback address, which the hub must not connect to"
        " (settings egress = strict, egress_allow)"
        for reason in reasons
    )
    assert any(reason.startswith("host localhost: ") for reason in reasons)
    assert sink.accepted == 0


async def test_https_only_refuses_plain_sinks(tmp_path: Path) -> None:
    async with HubProcess(tmp_path / "data", "--egress-https-only", "true") as hub:
        client = hub.client()
        answer = await client.ask_json("POST", "/subscriptions", subscription("http://h.example/"))
        assert (answer.status, answer.json()["detail"]) == (
            400,
            "sink: host h.example: only https is allowed (setting egress_https_only)",
        )
        await made(client, "https://h.example/")


# ---- what the hub never tells

TOKEN = "tok/9d2c+never-shown=="
PASSWORD = "pass word/never-shown"
REFRESH = "refresh/7f1b+never-shown=="
SIGNING = "whsec_" + base64.b64encode(b"never shown, and never sent either").decode()


async def test_no_secret_is_told_whatever_fails(tmp_path: Path) -> None:
    """Sinks that echo their requests, wrong requests, dead letters, crashes: and then a search for secrets."""
    file = tmp_path / "tokens.json"
    admin = tokens.add(file, "op", ["admin", "publish", "read", "subscribe"], created="")
    unknown = "chp_" + "u" * 43

    def echo(request: Received) -> Reply:
        said = json.dumps([[k.decode(), v.decode()] for k, v in request.headers])
        said += request.body.decode()
        status = 302 if request.target == "/away" else 400 if request.target == "/no" else 500
        return Reply(
            status, [("location", f"/?{request.header('authorization')}")], body=said.encode()
        )

    bearer = {"authorization": f"Bearer {admin}"}
    said: list[bytes] = []
    async with (
        HubProcess(tmp_path / "data", "--tokens", str(file)) as hub,
        SinkServer(echo) as sink,
    ):
        client = hub.client()

        async def ask(
            method: str, target: str, value: object = None, headers: Mapping[str, str] = bearer
        ) -> Answer:
            body = None if value is None else json.dumps(value).encode()
            answer = await client.ask(method, target, headers, body)
            said.append(repr(sorted(answer.headers.items())).encode() + answer.body)
            return answer

        token = {
            "credentialtype": "ACCESSTOKEN",
            "accesstoken": TOKEN,
            "accesstokentype": "bearer",
        }
        plain = {"credentialtype": "PLAIN", "identifier": "me", "secret": PASSWORD}
        renewed = {
            "credentialtype": "REFRESHTOKEN",
            "accesstoken": TOKEN,
            "accesstokenexpiresutc": "2020-01-01T00:00:00Z",
            "refreshtoken": REFRESH,
            "refreshtokenendpoint": f"{sink.url}/renew",
        }
        certificate, key = Authority().issue("hub")
        retry = {"base_s": 0.05, "max_attempts": 2}
        paths: list[str] = []
        more: list[dict[str, Any]] = [{"signing": {"secrets": [SIGNING]}}, {}, {}, {}, {}]
        more.append(
            {"tls": {"certificate": certificate, "key": key}, "sink": "https://127.0.0.1:9/"}
        )
        credentials = (token, plain, token, plain, renewed, token)
        for path, credential, fields in zip(
            ("/no", "/away", "/", "/", "/", "/"), credentials, more, strict=True
        ):
            document = subscription(sink.url + path, sinkcredential=credential, retry=retry)
            document |= fields
            answer = await ask("POST", "/subscriptions", document)
            assert answer.status == 201, answer.body
            paths.append(answer.headers["location"])
            broken: list[dict[str, Any]] = [
                document | {"sinkcredential": credential | {"credentialtype": "X"}},
                document | {"sinkcredential": credential | {"more": PASSWORD}},
                document
                | {
                    "sinkcredential": credential | {"accesstoken": TOKEN + "\n", "secret": PASSWORD}
                },
                document | {"sinkcredential": [TOKEN, PASSWORD]},
                document | {"epoch": 99},
                document | {"sink": "http://169.254.169.254/"},
            ]
            for one in broken:
                for method, target in (
                    ("PUT", paths[-1]),
                    ("POST", "/subscriptions"),
                    ("PUT", f"/endpoints/hub{paths[-1]}"),
                ):
                    if "epoch" not in one or target == paths[-1]:
                        assert (await ask(method, target, one)).status in (400, 409)
        await client.ask("POST", "/events", EVENT | {"ce-id": "A-1"} | bearer, b"{}")
        await sink.until(lambda: sink.count >= 6, within_s=60)
        # Requests that fail with a token in them.
        for headers in (
            {"authorization": f"Bearer {unknown}"},
            {"authorization": f"Basic {unknown}"},
        ):
            assert (await ask("GET", "/subscriptions", headers=headers)).status == 401
        await ask("GET", f"/events?access_token={admin}&nonsense=1", headers={})
        await ask("GET", f"/nowhere?access_token={unknown}", headers={})
        await ask("POST", f"/events?access_token={unknown}", headers={})
        async with asyncio.timeout(60):
            states: list[str] = []
            while states != ["dead-lettered"] * 6:
                trace = (await ask("GET", "/events/A-1/trace")).json()
                states = [lane["state"] for lane in trace["subscriptions"]]
        for target in (
            *("/subscriptions", *paths, "/metrics", "/readyz", "/livez", "/openapi.json", "/"),
            *("/channels/deadletters/events", "/channels/attempts/events"),
            *(
                "/channels/registry/events",
                "/export",
                "/?inline=*",
                "/endpoints?inline=*",
                "/model",
            ),
            *(f"/endpoints/hub{path}/versions?inline=*" for path in paths),
            *("/events/A-1", "/events", "/services", "/capabilities"),
        ):
            await ask("GET", target)
        letters = (await ask("GET", "/channels/deadletters/events")).json()
        await hub.crash()
        await hub.start()
        client = hub.client()
        await ask("GET", "/events/A-1/trace")
        for path in paths:
            await ask("DELETE", path)
    assert len(letters) == 6
    # The sinks did get them.
    sent = {
        request.header("authorization") for request in sink.requests if request.target != "/renew"
    }
    coded = base64.b64encode(f"me:{PASSWORD}".encode()).decode()
    assert sent == {f"Bearer {TOKEN}", f"Basic {coded}"}

    files = [path for path in hub.data.rglob("*") if path.is_file()]
    held = {"answers": b"\n".join(said)} | {
        str(path): path.read_bytes() for path in (*files, hub.log, file)
    }
    assert len(files) > 10
    assert b"dead-lettered" in held["answers"]
    # Of the key the first line: what follows is also in the certificate.
    private = key.splitlines()[1]
    assert [where for where, text in held.items() if private.encode() in text] == []
    for secret in (TOKEN, PASSWORD, REFRESH, SIGNING, coded, admin, unknown):
        forms = {secret, quote(secret, safe=""), json.dumps(secret)[1:-1].replace("/", "\\/")}
        forms |= {secret[:12], base64.b64encode(secret.encode()).decode().rstrip("=")[:-1]}
        assert [
            (where, form) for where, text in held.items() for form in forms if form.encode() in text
        ] == []


async def test_the_sinks_own_certificate_is_asked_for_from_all(tmp_path: Path) -> None:
    """A sink over TLS with a certificate that nobody signed gets nothing, and no credential."""
    context: ssl.SSLContext = Authority().server_context("127.0.0.1")
    credential = {"credentialtype": "ACCESSTOKEN", "accesstoken": "t", "accesstokentype": "bearer"}
    async with HubProcess(tmp_path / "data") as hub, SinkServer(tls=context) as sink:
        client = hub.client()
        await made(client, sink.url, sinkcredential=credential)
        await publish(client, "A-1")
        (reason,) = await first_reasons(client, 1)
        assert "certificate verify failed" in reason
        assert sink.count == 0
