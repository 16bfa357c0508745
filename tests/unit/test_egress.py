"""What may be connected to, by each policy, and what a subscription is refused for at once."""

from __future__ import annotations

from ipaddress import IPv4Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chappe.domain.addresses import KINDS, kinds_of
from chappe.domain.egress import ANYWHERE, REACH, EgressPolicy, Reach, parse_allowance
from chappe.domain.errors import Malformed

ONE_OF_EACH = {
    "public": "8.8.8.8",
    "private": "10.0.0.1",
    "shared": "100.64.0.1",
    "loopback": "127.0.0.1",
    "link-local": "169.254.1.1",
    "metadata": "169.254.169.254",
    "unspecified": "0.0.0.0",
    "multicast": "224.0.0.1",
    "broadcast": "255.255.255.255",
    "documentation": "192.0.2.1",
    "benchmarking": "198.18.0.1",
    "reserved": "240.0.0.1",
}


def reaches(policy: EgressPolicy, host: str, address: str, port: int | None = 80) -> bool:
    return policy.refusal(host, port, ip_address(address)) is None


def allowing(*entries: str, reach: Reach = "network") -> EgressPolicy:
    return EgressPolicy(reach, tuple(parse_allowance(one) for one in entries))


@pytest.mark.parametrize(
    ("reach", "kinds"),
    [
        ("local", {"public", "private", "shared", "loopback"}),
        ("network", {"public", "private", "shared"}),
        ("strict", {"public"}),
        ("listed", set()),
    ],
)
def test_each_policy_lets_its_kinds_through_and_no_other(reach: Reach, kinds: set[str]) -> None:
    policy = EgressPolicy(reach)
    assert set(ONE_OF_EACH) == set(KINDS)
    assert {kind for kind, one in ONE_OF_EACH.items() if reaches(policy, "h", one)} == kinds


def test_a_refusal_names_host_address_kind_and_settings() -> None:
    refusal = EgressPolicy("network").refusal("Hooks.Example.com.", 80, ip_address("127.0.0.1"))
    assert refusal == (
        "host hooks.example.com: 127.0.0.1 is a loopback address, which the hub must not connect to"
        " (settings egress = network, egress_allow)"
    )


def test_a_refusal_of_an_address_names_it_once() -> None:
    refusal = EgressPolicy("strict").refusal("0xa.1", 80, ip_address("10.0.0.1"))
    assert refusal == (
        "10.0.0.1 is a private address, which the hub must not connect to"
        " (settings egress = strict, egress_allow)"
    )


@given(st.integers(0, 2**32 - 1).map(IPv4Address), st.sampled_from(sorted(REACH)))
def test_a_mapped_address_is_judged_as_the_one_that_is_reached(
    v4: IPv4Address, reach: Reach
) -> None:
    policy = EgressPolicy(reach)
    mapped = ip_address(f"::ffff:{v4}")
    assert policy.refusal("h", 80, mapped) == policy.refusal("h", 80, v4)


# ---- what is listed


@pytest.mark.parametrize(
    ("entry", "host", "address", "port", "reached"),
    [
        ("127.0.0.1", "h", "127.0.0.1", 80, True),
        ("127.0.0.1", "h", "127.0.0.2", 80, False),
        ("127.0.0.0/8", "h", "127.0.0.2", 80, True),
        ("127.0.0.1:9000", "h", "127.0.0.1", 9000, True),
        ("127.0.0.1:9000", "h", "127.0.0.1", 80, False),
        ("127.0.0.1", "h", "::ffff:127.0.0.1", 80, True),
        ("::1", "h", "::1", 80, True),
        ("[::1]:81", "h", "::1", 81, True),
        ("[::1]:81", "h", "::1", 80, False),
        ("[fd00:ec2::/32]", "h", "fd00:ec2::254", 80, True),
        ("169.254.169.254", "h", "169.254.169.254", 80, True),
        ("0.0.0.0/0", "h", "169.254.169.254", 80, True),
        ("0.0.0.0/0", "h", "::1", 80, False),
        ("hooks.example", "hooks.example", "127.0.0.1", 80, True),
        ("Hooks.Example.", "hooks.example", "127.0.0.1", 80, True),
        ("hooks.example", "HOOKS.example.", "127.0.0.1", 80, True),
        ("hooks.example", "a.hooks.example", "127.0.0.1", 80, False),
        ("hooks.example", "xhooks.example", "127.0.0.1", 80, False),
        ("*.example:443", "a.b.example", "127.0.0.1", 443, True),
        ("*.example:443", "a.b.example", "127.0.0.1", 80, False),
        ("*.example", "example", "127.0.0.1", 80, False),
        ("*.example", "xexample", "127.0.0.1", 80, False),
        ("bücher.example", "xn--bcher-kva.example", "127.0.0.1", 80, True),
    ],
)
def test_what_is_listed_is_let_through(
    entry: str, host: str, address: str, port: int, *, reached: bool
) -> None:
    assert reaches(allowing(entry), host, address, port) is reached


@pytest.mark.parametrize(
    "kind", ["metadata", "link-local", "unspecified", "multicast", "broadcast"]
)
def test_a_name_that_is_listed_does_not_lead_everywhere(kind: str) -> None:
    assert not reaches(allowing("hooks.example"), "hooks.example", ONE_OF_EACH[kind])


def test_a_policy_of_listed_reaches_what_is_listed_alone() -> None:
    policy = allowing("hooks.example", "8.8.8.0/24", reach="listed")
    assert reaches(policy, "hooks.example", "9.9.9.9")
    assert reaches(policy, "other.example", "8.8.8.8")
    assert not reaches(policy, "other.example", "9.9.9.9")


@pytest.mark.parametrize("address", [*ONE_OF_EACH.values(), "::1", "fe80::1", "::", "ff02::1"])
def test_anywhere_is_anywhere(address: str) -> None:
    assert reaches(ANYWHERE, "h", address)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "10.0.0.0/33",
            "10.0.0.1/8",
            "127.1",
            "0x7f.0.0.1",
            "010.0.0.0/8",
            "a b",
            "*",
            "**.x",
        ),
        *("h:", "h:0", "h:65536", "h:x", "[::1", "[::1]80", "[::1]:", "::1/200", "http://h", "h/x"),
        *("-a.example", "a..b", "x" * 64 + "é", "h:8️⃣", "*.*.example", "a" * 254),
    ],
)
def test_what_is_no_entry_is_none(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the setting's rule is what a user reads
        parse_allowance(text)


# ---- before a subscription is made


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.0.0.1.", "0x7f.1"),
        *("[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]"),
        *("[2002:7f00:1::]", "0", "0.0.0.0", "[::]", "169.254.169.254", "2852039166"),
        *(
            "0xA9FEA9FE",
            "[fd00:ec2::254]",
            "[fe80::1]",
            "[fe80::1%25eth0]",
            "localhost",
            "LOCALHOST.",
        ),
        *(
            "a.localhost",
            "255.255.255.255",
            "224.0.0.1",
            "100.100.100.200",
            "127%2e0.0.1",
            "[v1.x]",
        ),
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https", "mqtt"])
def test_a_sink_that_can_never_be_reached_is_refused(scheme: str, host: str) -> None:
    with pytest.raises(Malformed, match=r"^sink: "):
        EgressPolicy("network").check_sink(f"{scheme}://{host}:8080/hook")


@pytest.mark.parametrize(
    "sink",
    [
        "http://hooks.example.com/x",
        "http://10.0.0.1/",
        "http://127.0.0.1.example.com/",
        "https://[fd12::1]:8443/",
        "kafka://a:9092,b:9092",
        "http://8.8.8.8/?u=http://127.0.0.1/",
        "http://8.8.8.8/#@127.0.0.1/",
    ],
)
def test_a_sink_that_may_be_reached_is_not(sink: str) -> None:
    EgressPolicy("network").check_sink(sink)


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "[::1]", "localhost"])
def test_each_server_of_a_broker_is_looked_at(host: str) -> None:
    with pytest.raises(Malformed, match=r"^url: "):
        EgressPolicy("network").check_sink(f"kafka://k1.example:9092,{host}:9092/orders", "url")


@pytest.mark.parametrize("entry", ["127.0.0.1:9000", "::1", "localhost:9000"])
def test_a_sink_is_not_refused_for_an_address_that_is_listed(entry: str) -> None:
    allowing(entry).check_sink("http://localhost:9000/")


def test_https_only_refuses_plain_http() -> None:
    policy = EgressPolicy("local", https_only=True)
    policy.check_sink("https://hooks.example/")
    with pytest.raises(Malformed) as caught:
        policy.check_sink("http://hooks.example/")
    assert caught.value.message == (
        "sink: host hooks.example: only https is allowed (setting egress_https_only)"
    )
    assert policy.refusal_of_plain("hooks.example") == caught.value.message.removeprefix("sink: ")


def test_every_address_is_of_some_kind() -> None:
    assert {kind for one in ONE_OF_EACH.values() for kind in kinds_of(ip_address(one))} == set(
        KINDS
    )
