"""What a subscription's settings become in a request."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from chappe.adapters.sinks.http_pool import Origin
from chappe.adapters.sinks.http_request import BadSubscription, head_of
from chappe.domain.subscription import Credential, HttpSettings, Subscription

B = "xn--bcher-kva.example"


def lines_of(
    sink: str = "http://sink.example/hook",
    *,
    headers: Mapping[str, str] | None = None,
    method: str = "POST",
    credential: Credential | None = None,
) -> list[str]:
    settings = HttpSettings(headers or {}, method)
    head = head_of(Subscription(id="s", sink=sink, settings=settings, credential=credential))
    return head.lines.decode().split("\r\n")[:-1]


@pytest.mark.parametrize(
    ("sink", "scheme", "host", "port", "target", "header"),
    [
        ("http://a.example", "http", "a.example", 80, "/", "a.example"),
        ("https://A.Example/x", "https", "a.example", 443, "/x", "a.example"),
        ("https://a.example:443/", "https", "a.example", 443, "/", "a.example"),
        ("https://a.example:80/", "https", "a.example", 80, "/", "a.example:80"),
        ("http://[::1]:8080/x?y=1&z#f", "http", "::1", 8080, "/x?y=1&z", "[::1]:8080"),
        ("http://[2001:db8::1]/", "http", "2001:db8::1", 80, "/", "[2001:db8::1]"),
        ("http://bücher.example/ä b", "http", B, 80, "/%C3%A4%20b", B),
        ("http://a/%20?q=%2F ü", "http", "a", 80, "/%20?q=%2F%20%C3%BC", "a"),
    ],
)
def test_a_sink_is_an_origin_a_target_and_a_host(
    sink: str, scheme: str, host: str, port: int, target: str, header: str
) -> None:
    head = head_of(Subscription(id="s", sink=sink))
    assert head.origin == Origin(scheme == "https", host, port)
    assert head.lines.decode().startswith(f"POST {target} HTTP/1.1\r\nhost: {header}\r\n")


@pytest.mark.parametrize(
    "sink",
    [
        "ftp://a.example/",
        "a.example",
        "http://",
        "http://a b/",
        "http://a.example:99999/",
        "http://a\r\nx: y/",
        "http://user:pass@a.example/",
        "http://[fe80::1%25eth0]/",
        f"http://{'ü' * 70}.example/",
    ],
)
def test_a_sink_that_cannot_be_reached_by_http_is_named(sink: str) -> None:
    with pytest.raises(BadSubscription, match="sink: "):
        head_of(Subscription(id="s", sink=sink))


def test_a_line_break_in_a_path_stays_inside_the_target() -> None:
    assert lines_of("http://a.example/x\r\ny: z")[0] == "POST /xy:%20z HTTP/1.1"


@pytest.mark.parametrize("value", ["a\r\nx-forged: 1", "a\nb", "a\rb", "a\x00b", "\x7f"])
def test_a_header_value_with_control_characters_is_refused(value: str) -> None:
    with pytest.raises(BadSubscription, match=r"headers.x-key: the value holds control characters"):
        lines_of(headers={"x-key": value})


@pytest.mark.parametrize("name", ["", "x key", "x:y", "x\r\ny", "é"])
def test_a_header_name_that_is_no_token_is_refused(name: str) -> None:
    with pytest.raises(BadSubscription, match="is no header name"):
        lines_of(headers={name: "v"})


@pytest.mark.parametrize(
    "name",
    ["ce-id", "CE-Source", "Host", "Content-Length", "Transfer-Encoding", "Connection"]
    + ["Content-Type", "Webhook-Id", "webhook-signature", "Expect", "TE", "Upgrade"],
)
def test_a_subscription_cannot_set_what_the_event_or_the_connection_decides(name: str) -> None:
    assert lines_of(headers={name: "forged"}) == lines_of()


def test_a_subscription_sets_headers_of_its_own() -> None:
    lines = lines_of(headers={"X-Tenant": "north", "User-Agent": "other"}, method="put")
    assert lines[0] == "PUT /hook HTTP/1.1"
    assert "x-tenant: north" in lines
    assert [line for line in lines if line.startswith("user-agent")] == ["user-agent: other"]


@pytest.mark.parametrize("method", ["HEAD", "connect", "TRACE", "GE T", "", "POST / HTTP/1.1\r\n"])
def test_a_method_that_carries_no_payload_is_refused(method: str) -> None:
    with pytest.raises(BadSubscription, match=r"protocolsettings.method"):
        lines_of(method=method)


def test_3_1_an_access_token_is_a_bearer_token_and_wins_over_a_header() -> None:
    lines = lines_of(
        headers={"Authorization": "other"}, credential=Credential("ACCESSTOKEN", None, "t0k.en")
    )
    found = [line for line in lines if line.startswith("authorization")]
    assert found == ["authorization: Bearer t0k.en"]


def test_a_plain_credential_is_http_basic() -> None:
    lines = lines_of(credential=Credential("PLAIN", "Aladdin", "open sesame"))
    assert "authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==" in lines  # RFC 7617 2


def test_a_secret_that_cannot_be_sent_is_not_shown() -> None:
    with pytest.raises(BadSubscription) as refused:
        lines_of(credential=Credential("ACCESSTOKEN", None, "hush\r\nhush"))
    assert "hush" not in str(refused.value)


def test_an_unknown_credential_type_is_named() -> None:
    with pytest.raises(BadSubscription, match="'KERBEROS' is unknown; known: ACCESSTOKEN, PL"):
        lines_of(credential=Credential("KERBEROS", None, "x"))
