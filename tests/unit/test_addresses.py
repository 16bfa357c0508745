"""What addresses are, however they are written and whatever is hidden in them."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chappe.domain.addresses import kinds_of, literal, plain

V4 = st.integers(0, 2**32 - 1).map(IPv4Address)
NOTABLE_V4 = st.sampled_from(
    [
        IPv4Address(text)
        for text in (
            *("127.0.0.1", "10.0.0.1", "169.254.169.254", "0.0.0.0", "8.8.8.8", "100.64.0.1"),
            *("255.255.255.255", "224.0.0.1", "192.168.1.1", "172.31.255.255"),
        )
    ]
)


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("8.8.8.8", "public"),
        ("172.15.255.255", "public"),
        ("172.16.0.0", "private"),
        ("172.31.255.255", "private"),
        ("172.32.0.0", "public"),
        ("192.168.0.1", "private"),
        ("10.255.255.255", "private"),
        ("100.64.0.1", "shared"),
        ("100.127.255.255", "shared"),
        ("100.128.0.0", "public"),
        ("127.255.255.254", "loopback"),
        ("169.254.1.1", "link-local"),
        ("169.254.169.254", "metadata"),
        ("169.254.170.2", "metadata"),
        ("100.100.100.200", "metadata"),
        ("168.63.129.16", "metadata"),
        ("0.0.0.0", "unspecified"),
        ("0.1.2.3", "unspecified"),
        ("255.255.255.255", "broadcast"),
        ("224.0.0.1", "multicast"),
        ("239.255.255.255", "multicast"),
        ("192.0.2.1", "documentation"),
        ("198.51.100.1", "documentation"),
        ("203.0.113.1", "documentation"),
        ("198.18.0.1", "benchmarking"),
        ("198.19.255.255", "benchmarking"),
        ("192.0.0.8", "reserved"),
        ("192.88.99.1", "reserved"),
        ("240.0.0.1", "reserved"),
        ("2606:4700::1111", "public"),
        ("::", "unspecified"),
        ("::1", "loopback"),
        ("fe80::1", "link-local"),
        ("fe80::1%eth0", "link-local"),
        ("fd12:3456::1", "private"),
        ("fec0::1", "private"),
        ("fd00:ec2::254", "metadata"),
        ("fd20:ce::254", "metadata"),
        ("ff02::1", "multicast"),
        ("2001:db8::1", "documentation"),
        ("3fff::1", "documentation"),
        ("2001:2::1", "benchmarking"),
        ("100::1", "reserved"),
        ("4000::1", "reserved"),
        ("5f00::1", "reserved"),
        ("::ffff:10.0.0.1", "private"),
        ("::ffff:8.8.8.8", "public"),
        ("64:ff9b::8.8.8.8", "public"),
        ("64:ff9b::169.254.169.254", "metadata"),
    ],
)
def test_an_address_is_of_its_kind(address: str, kind: str) -> None:
    assert kinds_of(ip_address(address)) == (kind,)


@pytest.mark.parametrize(
    ("address", "kinds"),
    [
        ("::127.0.0.1", ("loopback", "reserved")),
        ("::ffff:0:127.0.0.1", ("loopback", "reserved")),
        ("2002:7f00:1::", ("loopback", "reserved")),
        ("2001:0:a00:1:0:0:80ff:fffe", ("private", "loopback", "reserved")),  # server, client
        ("2606:4700::5efe:127.0.0.1", ("loopback", "public")),
        ("2606:4700::200:5efe:10.0.0.1", ("private", "public")),
        ("64:ff9b:1::127.0.0.1", ("unspecified", "loopback", "reserved")),
        ("64:ff9b:1:a9fe:a9:fe00::", ("metadata", "link-local", "unspecified", "reserved")),
    ],
)
def test_what_is_hidden_in_an_address_counts_too(address: str, kinds: tuple[str, ...]) -> None:
    assert set(kinds) <= set(kinds_of(ip_address(address)))


@given(st.one_of(V4, NOTABLE_V4), st.data())
def test_whatever_carries_an_ipv4_address_is_of_its_kind(
    v4: IPv4Address, data: st.DataObject
) -> None:
    n = int(v4)
    carriers = {
        "mapped": 0xFFFF << 32 | n,
        "nat64": 0x64FF9B << 96 | n,
        "nat64 of one's own": 0x64FF9B0001 << 80 | n,
        "translated": 0xFFFF << 48 | n,
        "6to4": 0x2002 << 112 | n << 80,
        "teredo client": 0x20010000 << 96 | n ^ 0xFFFF_FFFF,
        "teredo server": 0x20010000 << 96 | n << 64,
        "isatap": 0x2606_4700 << 96 | 0x5EFE << 32 | n,
    }
    value = carriers[data.draw(st.sampled_from(sorted(carriers)))]
    assert kinds_of(v4)[0] in kinds_of(IPv6Address(value))


@given(V4)
def test_what_is_public_here_is_global_to_python(v4: IPv4Address) -> None:
    if kinds_of(v4) == ("public",):
        assert v4.is_global
        assert not v4.is_multicast


@given(st.integers(0, 2**128 - 1).map(IPv6Address))
def test_no_ipv6_address_is_public_that_python_calls_none(v6: IPv6Address) -> None:
    if kinds_of(v6) == ("public",):
        assert plain(v6).is_global


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7F.1", "0177.0.0.1"),
        *("017700000001", "0x7f.0x0.0x0.0x1", "127.0.0.1.", "127.0.0.0x1", "0x7f.0.1"),
        *(
            "%31%32%37.0.0.1",
            "127%2e0%2e0%2e1",
            "\uff11\uff12\uff17.\uff10.0.\uff11",
            "\u2460\u2461\u2466.0.0.1",
            "127\u30020\u30020\uff611",
        ),
    ],
)
def test_every_notation_of_an_ipv4_address_is_read(host: str) -> None:
    assert literal(host) == IPv4Address("127.0.0.1")


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("0", "0.0.0.0"),
        ("0x", "0.0.0.0"),
        ("4294967295", "255.255.255.255"),
        ("[::1]", "::1"),
        ("::1", "::1"),
        ("[::ffff:127.0.0.1]", "::ffff:127.0.0.1"),
        ("[::ffff:7f00:1]", "::ffff:127.0.0.1"),
        ("[fe80::1%25eth0]", "fe80::1"),
        ("0:0:0:0:0:0:0:1", "::1"),
    ],
)
def test_other_notations_are_read(host: str, address: str) -> None:
    assert literal(host) == ip_address(address)


@pytest.mark.parametrize(
    "host",
    [
        *("example.com", "", ".", "1.2.3.4.5", "256.0.0.1", "4294967296", "127.0.0.1.example"),
        *(
            "0x7g",
            "08.0.0.1",
            "1..2",
            "::g",
            "-1",
            "+1",
            "1_0",
            "127.0.0.1..",
            "a" * 300,
            "9" * 300,
        ),
    ],
)
def test_a_name_is_no_address(host: str) -> None:
    assert literal(host) is None


@given(
    V4,
    st.lists(st.sampled_from(["{}", "{:#x}", "0{:o}"]), min_size=4, max_size=4),
    st.integers(1, 4),
)
def test_addresses_are_read_as_the_system_reads_them(
    v4: IPv4Address, forms: list[str], parts: int
) -> None:
    packed = v4.packed
    numbers = [*packed[: parts - 1], int.from_bytes(packed[parts - 1 :], "big")]
    host = ".".join(form.format(number) for form, number in zip(forms, numbers, strict=False))
    assert literal(host) == IPv4Address(socket.inet_aton(host)) == v4
