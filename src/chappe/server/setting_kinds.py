"""What a setting may hold: how each kind is read from text or from TOML, and its rule in words."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from chappe.domain.claims import ClaimRole, parse_claim_role
from chappe.domain.egress import Allowance, parse_allowance
from chappe.domain.errors import Malformed

_SECRET_IN_URL = re.compile(r"//[^@/\s]*@")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of value.

    `name` is for the table of settings, `rule` ends the sentence "… must be". `read` takes the raw
    value (text from a flag or the environment; str, int, float or bool from TOML) and the directory
    that relative paths start from; it raises ValueError where the rule is broken.
    """

    name: str
    rule: str
    read: Callable[[object, Path], object]


def whole(least: int, most: int | None = None, *, or_zero: bool = False) -> Kind:
    """A whole number within limits; `or_zero` lets 0 stand below them (for "none" or "off")."""
    limits = f"{least} or more" if most is None else f"from {least} to {most}"

    def read(raw: object, _: Path) -> int:
        value = _whole(raw)
        if not (or_zero and value == 0) and (value < least or (most is not None and value > most)):
            raise ValueError
        return value

    return Kind("integer", f"a whole number {limits}{' (or 0)' if or_zero else ''}", read)


def one_of_numbers(*values: int) -> Kind:
    """One of a few whole numbers."""

    def read(raw: object, _: Path) -> int:
        value = _whole(raw)
        if value not in values:
            raise ValueError
        return value

    return Kind("integer", _either([str(value) for value in values]), read)


def seconds(least: float, *, or_zero: bool = False) -> Kind:
    """A number of seconds, whole or not, of at least `least`."""

    def read(raw: object, _: Path) -> float:
        value = _real(raw)
        # Written so that NaN, which is neither smaller nor larger, is refused.
        if not (least <= value < float("inf")) and not (or_zero and value == 0):
            raise ValueError
        return value

    zero = " (or 0)" if or_zero else ""
    return Kind("seconds", f"a number of seconds, {least:g} or more{zero}", read)


def boolean() -> Kind:
    """Yes or no."""

    def read(raw: object, _: Path) -> bool:
        if raw is True or raw == "true":
            return True
        if raw is False or raw == "false":
            return False
        raise ValueError

    return Kind("boolean", "true or false", read)


def one_of(*values: str) -> Kind:
    """One of a few words."""

    def read(raw: object, _: Path) -> str:
        if not isinstance(raw, str) or raw not in values:
            raise ValueError
        return raw

    return Kind("|".join(values), _either(values), read)


def path(what: str = "a path") -> Kind:
    """A path; `~` is the user's home."""

    def read(raw: object, base: Path) -> Path:
        if not isinstance(raw, str | Path) or not str(raw) or "\0" in str(raw):
            raise ValueError
        try:
            return base / Path(raw).expanduser()
        except RuntimeError as exc:  # "~nobody/x"
            raise ValueError from exc

    return Kind("path", what, read)


def file() -> Kind:
    """The path of a file that is there."""
    any_path = path()

    def read(raw: object, base: Path) -> object:
        found = any_path.read(raw, base)
        if not isinstance(found, Path) or not found.is_file():
            raise ValueError
        return found

    return Kind("path", "the path of a file that exists", read)


def host() -> Kind:
    """A host name or an IP address."""

    def read(raw: object, _: Path) -> str:
        if not isinstance(raw, str) or re.fullmatch(r"[A-Za-z0-9._:-]{1,253}", raw) is None:
            raise ValueError
        return raw

    return Kind("text", "a host name or an IP address without brackets", read)


def nats_urls() -> Kind:
    """Addresses of NATS servers, separated by commas; empty for none."""

    def read(raw: object, _: Path) -> str:
        if not isinstance(raw, str):
            raise ValueError
        urls = [url.strip() for url in raw.split(",")] if raw.strip() else []
        for url in urls:
            parts = urlsplit(url)
            if parts.scheme not in {"nats", "tls"} or not parts.hostname or parts.port == 0:
                raise ValueError
        return ",".join(urls)

    return Kind("URLs", "nats:// or tls:// URLs, separated by commas", read)


def yes_or_no() -> Kind:
    """True or false."""

    def read(raw: object, _: Path) -> bool:
        value = {"true": True, "false": False}.get(raw) if isinstance(raw, str) else raw
        if not isinstance(value, bool):
            raise ValueError
        return value

    return Kind("true|false", "true or false", read)


def allowances() -> Kind:
    """Networks and hosts, separated by commas, or a TOML array of them; empty for none."""

    def read(raw: object, _: Path) -> tuple[Allowance, ...]:
        if isinstance(raw, str):
            raw = raw.split(",") if raw.strip() else []
        if not isinstance(raw, list):
            raise ValueError
        found: list[Allowance] = []
        for one in raw:
            if not isinstance(one, str):
                raise ValueError
            found.append(parse_allowance(one.strip()))
        return tuple(found)

    return Kind(
        "list",
        "networks (10.0.0.0/8), addresses, hosts (hooks.example.com, *.example.com), each with :PORT or "
        "without, separated by commas",
        read,
    )


def text(pattern: str, rule: str) -> Kind:
    """A text that fits a regular expression as a whole."""

    def read(raw: object, _: Path) -> str:
        if not isinstance(raw, str) or re.fullmatch(pattern, raw) is None:
            raise ValueError
        return raw

    return Kind("text", rule, read)


def http_url() -> Kind:
    """An http or https URL that can stand before a path; empty for none."""

    def read(raw: object, _: Path) -> str:
        if not isinstance(raw, str):
            raise ValueError
        parts = urlsplit(raw)
        fits = parts.scheme in {"http", "https"} and parts.hostname and not parts.username
        if raw and (not fits or parts.query or parts.fragment or parts.port == 0):
            raise ValueError
        return raw.rstrip("/")

    return Kind("URL", "an http:// or https:// URL without user, query and fragment", read)


def issuer_url() -> Kind:
    """An issuer, exactly as it calls itself: https, or http on this machine; empty for none."""
    any_url = http_url()

    def read(raw: object, base: Path) -> str:
        any_url.read(raw, base)
        assert isinstance(raw, str)
        parts = urlsplit(raw)
        if parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
            raise ValueError
        return raw

    return Kind("URL", "an https:// URL, as the issuer calls itself (http:// on loopback)", read)


def claim_roles() -> Kind:
    """What values of a claim mean, separated by semicolons, or a TOML array; empty for none."""

    def read(raw: object, _: Path) -> tuple[ClaimRole, ...]:
        if isinstance(raw, str):
            raw = [one for one in raw.split(";") if one.strip()]
        if not isinstance(raw, list):
            raise ValueError
        found: list[ClaimRole] = []
        for one in raw:
            if not isinstance(one, str):
                raise ValueError
            try:
                found.append(parse_claim_role(one))
            except Malformed as error:
                raise ValueError(error.message) from error
        return tuple(found)

    return Kind(
        "list",
        "VALUE=ROLE or VALUE=ROLE@GROUP,…, separated by semicolons, with the roles viewer, developer, "
        "operator and admin",
        read,
    )


def word_or_file(*words: str) -> Kind:
    """One of a few words, or the path of a file that is there."""
    any_file = file()

    def read(raw: object, base: Path) -> object:
        return raw if isinstance(raw, str) and raw in words else any_file.read(raw, base)

    return Kind(
        "|".join((*words, "path")), f"{', '.join(words)} or the path of a file that exists", read
    )


def shown(raw: object) -> str:
    """The value for a message: short, and without the password of a URL."""
    text = _SECRET_IN_URL.sub("//…@", raw) if isinstance(raw, str) else raw
    text = repr(str(text) if isinstance(text, Path) else text)
    return text if len(text) <= 120 else f"{text[:117]}…"


def _whole(raw: object) -> int:
    # bool is an int to Python, and 1.0 is a number to TOML: neither is a whole number to a reader.
    if isinstance(raw, bool) or not isinstance(raw, int | str):
        raise ValueError
    return int(raw)


def _real(raw: object) -> float:
    if isinstance(raw, bool) or not isinstance(raw, int | float | str):
        raise ValueError
    return float(raw)


def _either(values: Sequence[str]) -> str:
    return f"{', '.join(values[:-1])} or {values[-1]}"
