"""Access tokens in a file: what is kept is the SHA-256 of each, never the token.

    {"tokens": [{"name": "shop-web", "sha256": "<hex>", "rights": ["publish"], "created": "…Z"},
                {"name": "shop", "sha256": "<hex>", "roles": ["developer@channels/orders"]}]}

A token is "chp_" and 32 random bytes in base64url, so a plain hash needs no salt and no stretching.
The file is the operator's (mode 0600); the hub sees a change of it within a second.
"""

from __future__ import annotations

import hashlib
import logging
import os
import secrets
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from chappe.domain.access import (
    ANYONE,
    OPERATE,
    SUBSCRIBE,
    Principal,
    Right,
    parse_grant,
    parse_rights,
)
from chappe.domain.errors import Conflict, InvalidSetting, Malformed, NotFound
from chappe.ports.authorizer import Authorizer

PREFIX = "chp_"
CHECK_EVERY_S = 1.0

Changed = Callable[[Sequence[str], Sequence[str]], None]

_log = logging.getLogger("chappe.tokens")
_HEX_DIGITS = frozenset("0123456789abcdef")


class Token(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One line of the file: rights for the whole hub, roles for all of it or for some groups."""

    name: str
    sha256: str
    rights: Sequence[str] = ()
    created: str = ""
    roles: Sequence[str] = ()


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    tokens: Sequence[Token]


def load(path: Path) -> Sequence[Token]:
    """The tokens in the file, in its order; none when there is no file.

    Raises:
        InvalidSetting: the file cannot be read, or is not what the module's head shows.
    """
    try:
        if path.stat().st_mode & 0o077:
            _log.warning("%s: others can read it; make it 0600", path)
        kept = msgspec.json.decode(path.read_bytes(), type=_File).tokens
    except FileNotFoundError:
        return ()
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidSetting(f"tokens file {path}: {error}") from error
    for index, token in enumerate(kept):
        try:
            _check(token, kept[:index])
        except (Malformed, Conflict) as error:
            raise InvalidSetting(f"tokens file {path}: tokens/{index}: {error}") from error
    return kept


def add(
    path: Path,
    name: str,
    rights: Sequence[str],
    *,
    created: str,
    roles: Sequence[str] = (),
    dry_run: bool = False,
) -> str:
    """Make a token and keep its hash; the token itself is given back and stands nowhere else.

    `created` is RFC 3339 in UTC. A dry run keeps nothing, so that its token opens nothing.

    Raises:
        Conflict: a token of that name exists.
        Malformed: the name is empty, a right or role is unknown, or there are none of both.
        InvalidSetting: the file is broken.
    """
    token = PREFIX + secrets.token_urlsafe(32)
    kept = load(path)
    given = sorted(parse_rights(rights)) if rights or not roles else ()
    made = Token(name, hashed(token), given, created, [str(parse_grant(one)) for one in roles])
    _check(made, kept)
    if not dry_run:
        _save(path, (*kept, made))
    return token


def remove(path: Path, name: str, *, dry_run: bool = False) -> None:
    """Forget the token of that name. A file without tokens shuts everybody out.

    Raises:
        NotFound: there is none.
        InvalidSetting: the file is broken.
    """
    kept = load(path)
    left = [token for token in kept if token.name != name]
    if len(left) == len(kept):
        names = ", ".join(token.name for token in kept) or "none"
        raise NotFound(f"token: {name!r} is unknown; known: {names}")
    if not dry_run:
        _save(path, left)


def hashed(token: str) -> str:
    """The hash under which a token is kept."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


class TokenFile:
    """The file's tokens in memory, renewed when the file changes.

    Without a file the hub is open. Once there was one it never opens again by itself: a file that
    vanishes or breaks leaves the last tokens valid.

    Raises:
        InvalidSetting: the file is broken at the start.
    """

    def __init__(self, path: Path, monotonic_s: Callable[[], float]) -> None:
        self._path = path
        self._monotonic_s = monotonic_s
        self._seen = _stamp(path)
        self._by_hash = _by_hash(load(path))
        self._open = self._seen is None
        self._check_at_s = monotonic_s() + CHECK_EVERY_S
        self._changed: Changed = lambda added, removed: None

    def tell(self, changed: Changed) -> None:
        """From now on call `changed` with the names that came and went, when the file changes."""
        self._changed = changed

    @property
    def is_open(self) -> bool:
        """Whether there never was a file."""
        if self._monotonic_s() >= self._check_at_s:
            self._check()
        return self._open

    def identify(self, token: str) -> Principal | None:
        """Whose token it is. Looked up by hash: timing tells nothing about the token."""
        if self.is_open:
            return ANYONE
        return self._by_hash.get(hashed(token))

    def by_hash(self, hash: str) -> Principal | None:
        """Whose token has that hash."""
        return None if self.is_open else self._by_hash.get(hash)

    def session(self, cookie: str) -> Principal | None:
        """There are none: who knows of sessions asks for the hash."""
        return None

    def _check(self) -> None:
        self._check_at_s = self._monotonic_s() + CHECK_EVERY_S
        stamp = _stamp(self._path)
        if stamp == self._seen:
            return
        self._seen = stamp
        if stamp is None:
            _log.warning("%s is gone; the tokens that it held stay valid", self._path)
            return
        before = self._by_hash
        try:
            self._by_hash = _by_hash(load(self._path))
        except InvalidSetting as error:
            # A typo must neither open the hub nor shut everybody out.
            _log.error("%s; the former tokens stay valid", error)
        else:
            _log.info("%s: %d tokens", self._path, len(self._by_hash))
            self._changed(*_differing(before, self._by_hash))
        self._open = False


def _differing(
    before: Mapping[str, Principal], after: Mapping[str, Principal]
) -> tuple[Sequence[str], Sequence[str]]:
    """The names that came and those that went; one whose token or rights changed did both."""
    added = {one.name for key, one in after.items() if before.get(key) != one}
    removed = {one.name for key, one in before.items() if after.get(key) != one}
    return sorted(added), sorted(removed)


def _by_hash(tokens: Sequence[Token]) -> Mapping[str, Principal]:
    return {token.sha256: _principal(token) for token in tokens}


def _principal(token: Token) -> Principal:
    grants = [parse_grant(role) for role in token.roles]
    return Principal.holding(token.name, grants, how="token", rights=_rights(token))


def _rights(token: Token) -> frozenset[Right]:
    if not token.rights:
        return frozenset()
    rights = parse_rights(token.rights)
    # Before there were roles, who might subscribe might also retry and discard what failed.
    return rights | {OPERATE} if SUBSCRIBE in rights else rights


def _check(token: Token, others: Sequence[Token]) -> None:
    if not token.name:
        raise Malformed("name: is empty; a token needs a name")
    if len(token.sha256) != 64 or not _HEX_DIGITS.issuperset(token.sha256):
        raise Malformed(f"sha256: {token.sha256!r} is not 64 lower-case hex digits")
    if token.rights or not token.roles:
        parse_rights(token.rights)
    for role in token.roles:
        parse_grant(role)
    if any(token.name == other.name for other in others):
        raise Conflict(f"name: {token.name!r} is taken; remove that token first")


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _save(path: Path, tokens: Sequence[Token]) -> None:
    """Replace the file at once, readable by its owner alone (mkstemp makes 0600)."""
    content = msgspec.json.format(msgspec.json.encode(_File(tokens)), indent=2) + b"\n"
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


_: type[Authorizer] = TokenFile
