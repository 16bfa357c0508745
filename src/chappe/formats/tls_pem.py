"""`tls` of a subscription: PEM texts (RFC 7468) that are read and found to fit before anything is stored.

    {"ca": "-----BEGIN CERTIFICATE-----…", "certificate": "…", "key": "-----BEGIN PRIVATE KEY-----…"}

`key` is write-only. No error and no `repr` holds a part of it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from chappe.domain.errors import Malformed
from chappe.domain.options import Tls

_SECURE: Final = ("https://", "mqtts://", "amqps://", "tls://", "kafka://")
_MAX_CHARACTERS: Final = 65_536
_LEAST_RSA_BITS: Final = 2048
"""OpenSSL's own least at its security level 2, which Python sets."""

_BEGIN = re.compile(r"^-----BEGIN ([A-Z0-9 ]+)-----\s*$", re.MULTILINE)
_PRIVATE = re.compile(
    r"^-----BEGIN ((?:RSA |EC )?PRIVATE KEY)-----\s*$.*?^-----END \1-----\s*$",
    re.MULTILINE | re.DOTALL,
)
_Key = (
    rsa.RSAPrivateKey
    | ec.EllipticCurvePrivateKey
    | ed25519.Ed25519PrivateKey
    | ed448.Ed448PrivateKey
)


def check_tls(tls: Tls, path: str, *, sink: str, now: datetime) -> tuple[str, ...]:
    """See that connections can be made with it; what deserves a warning, one text each.

    `tls` is whole: a key that was not sent again is the one that is kept.

    Raises:
        Malformed: the message begins with the path of the field.
    """
    if tls == Tls() and not sink.lower().startswith("kafka://"):
        # Kafka's URLs do not say whether there is TLS: this says it, with the system's authorities.
        raise Malformed(f"{path}: ca, or certificate and key, are needed")
    if not sink.lower().startswith(_SECURE):
        raise Malformed(
            f"{path}: the sink is not reached over TLS; those that begin with {', '.join(_SECURE)} are"
        )
    if tls.key is not None and tls.certificate is None:
        raise Malformed(f"{path}/certificate: is missing; a key is of no use without it")
    warnings: list[str] = []
    if tls.ca is not None:
        authorities = _certificates(tls.ca, f"{path}/ca")
        warnings += _validity(authorities, f"{path}/ca", now)
    if tls.certificate is not None:
        chain = _certificates(tls.certificate, f"{path}/certificate")
        if tls.key is None:
            raise Malformed(f"{path}/key: is missing and is required with a certificate")
        _check_fit(_key(tls.key, f"{path}/key"), chain, path)
        warnings += _validity(chain, f"{path}/certificate", now)
    return tuple(warnings)


def _certificates(pem: str, path: str) -> Sequence[x509.Certificate]:
    labels = _labels(pem, path)
    if any("PRIVATE KEY" in label for label in labels):
        raise Malformed(f"{path}: holds a private key; it belongs into key, which is never shown")
    for label in labels:
        if label != "CERTIFICATE":
            raise Malformed(f"{path}: holds a PEM block {label!r}; only CERTIFICATE is possible")
    try:
        return x509.load_pem_x509_certificates(pem.encode("ascii"))
    except (ValueError, UnsupportedAlgorithm) as exc:
        raise Malformed(f"{path}: a certificate in it cannot be read: {exc}") from None


def _key(pem: str, path: str) -> _Key:
    labels = _labels(pem, path)
    if "ENCRYPTED PRIVATE KEY" in labels or "Proc-Type: 4,ENCRYPTED" in pem:
        raise Malformed(f"{path}: the key is encrypted; send it without a passphrase")
    found = [match.group() for match in _PRIVATE.finditer(pem)]
    if len(found) != 1:
        raise Malformed(
            f"{path}: one PEM block 'PRIVATE KEY' is needed, {len(found)} were found"
            f" (blocks: {', '.join(labels)})"
        )
    try:
        key = load_pem_private_key(found[0].encode("ascii"), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # The library's text is left out: it may quote the key.
        raise Malformed(f"{path}: the private key cannot be read") from None
    if not isinstance(key, _Key):
        raise Malformed(f"{path}: keys of RSA, elliptic curves and Ed25519 are possible")
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size < _LEAST_RSA_BITS:
        raise Malformed(
            f"{path}: an RSA key of {key.key_size} bits was sent; at least {_LEAST_RSA_BITS} are needed"
        )
    return key


def _labels(pem: str, path: str) -> list[str]:
    """The kinds of the blocks in a text that is PEM at all."""
    if len(pem) > _MAX_CHARACTERS:
        raise Malformed(f"{path}: {len(pem)} characters were sent, at most {_MAX_CHARACTERS}")
    labels: list[str] = _BEGIN.findall(pem) if pem.isascii() else []
    if not labels or "\0" in pem:
        raise Malformed(f"{path}: is not PEM (-----BEGIN …-----)")
    return labels


def _check_fit(key: _Key, chain: Sequence[x509.Certificate], path: str) -> None:
    public = key.public_key()
    fits = [one.public_key() == public for one in chain]
    if fits[0]:
        return
    if True in fits:
        raise Malformed(
            f"{path}/certificate: the key fits certificate {fits.index(True) + 1} of {len(chain)};"
            " the hub's own must come first, then what signed it"
        )
    raise Malformed(f"{path}/key: does not fit the certificate of {_name(chain[0])}")


def _validity(chain: Sequence[x509.Certificate], path: str, now: datetime) -> list[str]:
    warnings: list[str] = []
    for one in chain:
        if one.not_valid_after_utc < now:
            warnings.append(f"{path}: {_name(one)} expired at {one.not_valid_after_utc:%Y-%m-%d}")
        elif one.not_valid_before_utc > now:
            warnings.append(
                f"{path}: {_name(one)} is valid only from {one.not_valid_before_utc:%Y-%m-%d} on"
            )
    return warnings


def _name(certificate: x509.Certificate) -> str:
    """Its subject, short and printable."""
    subject = certificate.subject.rfc4514_string() or f"serial {certificate.serial_number:x}"
    return repr(subject if len(subject) <= 80 else f"{subject[:77]}…")
