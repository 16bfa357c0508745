"""PEMs of a subscription: what is refused, with which words, and that no word holds the key."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from hypothesis import given
from hypothesis import strategies as st

from chappe.domain.errors import Malformed
from chappe.domain.options import Tls
from chappe.formats.tls_pem import check_tls
from chappe.testing.certificates import Authority

NOW = datetime(2026, 9, 21, tzinfo=UTC)
SINK = "https://hooks.example/"
AUTHORITY = Authority()
CERTIFICATE, KEY = AUTHORITY.issue("hub.example")
OTHER_CERTIFICATE, OTHER_KEY = AUTHORITY.issue("other.example")


def pem_of(
    key: PrivateKeyTypes,
    *,
    format: serialization.PrivateFormat = serialization.PrivateFormat.PKCS8,
    passphrase: bytes | None = None,
) -> str:
    encryption: serialization.KeySerializationEncryption = (
        serialization.NoEncryption()
        if passphrase is None
        else serialization.BestAvailableEncryption(passphrase)
    )
    return key.private_bytes(serialization.Encoding.PEM, format, encryption).decode("ascii")


EC_KEY = ec.generate_private_key(ec.SECP256R1())
TRADITIONAL = serialization.PrivateFormat.TraditionalOpenSSL


def refusal(tls: Tls, sink: str = SINK) -> str:
    with pytest.raises(Malformed) as caught:
        check_tls(tls, "tls", sink=sink, now=NOW)
    secret = [line for line in (tls.key or "").splitlines()[1:-1] if line]
    assert not any(line in caught.value.message for line in secret)
    return caught.value.message


@pytest.mark.parametrize(
    "tls",
    [
        Tls(ca=AUTHORITY.pem),
        Tls(certificate=CERTIFICATE, key=KEY),
        Tls(AUTHORITY.pem, CERTIFICATE, KEY),
        Tls(AUTHORITY.pem + Authority("second").pem),
        Tls(certificate=CERTIFICATE + AUTHORITY.pem, key=KEY),
        Tls(certificate=f"Subject: hub\n{CERTIFICATE}", key=KEY.replace("\n", "\r\n")),
    ],
)
def test_what_fits_is_taken_without_a_word(tls: Tls) -> None:
    assert check_tls(tls, "tls", sink=SINK, now=NOW) == ()


@pytest.mark.parametrize(
    ("tls", "message"),
    [
        (Tls(ca="hello"), "tls/ca: is not PEM (-----BEGIN …-----)"),
        (Tls(ca="-----BEGIN é-----"), "tls/ca: is not PEM (-----BEGIN …-----)"),
        (Tls(ca=AUTHORITY.pem + "\0"), "tls/ca: is not PEM (-----BEGIN …-----)"),
        (Tls(ca="x" * 65_537), "tls/ca: 65537 characters were sent, at most 65536"),
        (
            Tls(ca=KEY),
            "tls/ca: holds a private key; it belongs into key, which is never shown",
        ),
        (
            Tls(certificate=CERTIFICATE + KEY, key=KEY),
            "tls/certificate: holds a private key; it belongs into key, which is never shown",
        ),
        (
            Tls(ca="-----BEGIN X509 CRL-----\nAA==\n-----END X509 CRL-----"),
            "tls/ca: holds a PEM block 'X509 CRL'; only CERTIFICATE is possible",
        ),
        (Tls(certificate=CERTIFICATE), "tls/key: is missing and is required with a certificate"),
        (Tls(key=KEY), "tls/certificate: is missing; a key is of no use without it"),
        (
            Tls(certificate=CERTIFICATE, key=OTHER_KEY),
            "tls/key: does not fit the certificate of 'CN=hub.example'",
        ),
        (
            Tls(certificate=AUTHORITY.pem + CERTIFICATE, key=KEY),
            "tls/certificate: the key fits certificate 2 of 2; the hub's own must come first,"
            " then what signed it",
        ),
        (
            Tls(certificate=CERTIFICATE, key=CERTIFICATE),
            "tls/key: one PEM block 'PRIVATE KEY' is needed, 0 were found (blocks: CERTIFICATE)",
        ),
        (
            Tls(certificate=CERTIFICATE, key=KEY + OTHER_KEY),
            "tls/key: one PEM block 'PRIVATE KEY' is needed, 2 were found"
            " (blocks: PRIVATE KEY, PRIVATE KEY)",
        ),
        (
            Tls(certificate=CERTIFICATE, key=pem_of(EC_KEY, passphrase=b"pw")),
            "tls/key: the key is encrypted; send it without a passphrase",
        ),
        (
            Tls(certificate=CERTIFICATE, key=pem_of(EC_KEY, format=TRADITIONAL, passphrase=b"pw")),
            "tls/key: the key is encrypted; send it without a passphrase",
        ),
        (
            Tls(certificate=CERTIFICATE, key=KEY.replace("M", "_", 1)),
            "tls/key: the private key cannot be read",
        ),
        (
            Tls(certificate=CERTIFICATE, key=pem_of(rsa.generate_private_key(65_537, 1024))),
            "tls/key: an RSA key of 1024 bits was sent; at least 2048 are needed",
        ),
        (
            Tls(certificate=CERTIFICATE, key=pem_of(dsa.generate_private_key(1024))),
            "tls/key: keys of RSA, elliptic curves and Ed25519 are possible",
        ),
    ],
)
def test_what_does_not_fit_is_named(tls: Tls, message: str) -> None:
    assert refusal(tls) == message


def test_a_broken_certificate_is_named() -> None:
    broken = CERTIFICATE.replace(CERTIFICATE.splitlines()[3], "AAAA")
    assert refusal(Tls(ca=broken)).startswith("tls/ca: a certificate in it cannot be read: ")


def test_tls_is_for_sinks_over_tls() -> None:
    assert refusal(Tls(ca=AUTHORITY.pem), "http://hooks.example/") == (
        "tls: the sink is not reached over TLS; those that begin with https://, mqtts://, amqps://,"
        " tls://, kafka:// are"
    )


@pytest.mark.parametrize(
    "key", [pem_of(ed25519.Ed25519PrivateKey.generate()), pem_of(EC_KEY, format=TRADITIONAL)]
)
def test_keys_of_other_kinds_are_read(key: str) -> None:
    assert refusal(Tls(certificate=CERTIFICATE, key=key)).startswith("tls/key: does not fit")


def test_what_has_expired_is_a_warning() -> None:
    year = datetime(2021, 1, 1, tzinfo=UTC)
    old, old_key = AUTHORITY.issue("hub.example", until=year)
    later, _ = AUTHORITY.issue("next.example", since=datetime(2030, 1, 1, tzinfo=UTC))
    warnings = check_tls(Tls(later, old, old_key), "tls", sink=SINK, now=NOW)
    assert warnings == (
        "tls/ca: 'CN=next.example' is valid only from 2030-01-01 on",
        "tls/certificate: 'CN=hub.example' expired at 2021-01-01",
    )


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_text_is_taken_or_refused(left: str, right: str) -> None:
    for tls in (Tls(ca=left + CERTIFICATE + right), Tls(None, CERTIFICATE, left + KEY + right)):
        assert said_of(tls).startswith("tls/")


def said_of(tls: Tls) -> str:
    try:
        return "".join(check_tls(tls, "tls", sink=SINK, now=NOW)) or "tls/ is fine"
    except Malformed as error:
        return error.message


def test_an_empty_object_says_what_is_needed() -> None:
    assert said_of(Tls()) == "tls: ca, or certificate and key, are needed"
