"""Secrets at rest: AES-256-GCM with a key in a file that only this user can read.

    "v1:" + Base64(nonce (12 bytes) + ciphertext and tag)

The context is associated data: a sealed secret that is moved to another place does not open there.
"""

from __future__ import annotations

import base64
import os
import secrets
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from chappe.domain.errors import InvalidSetting, Unavailable, WrongKey
from chappe.ports.secrets import Secrets

VERSION: Final = "v1:"
_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12


class SystemSecrets:
    """Seals with one key, given as 32 bytes."""

    def __init__(self, key: bytes) -> None:
        if len(key) != _KEY_BYTES:
            raise InvalidSetting(f"secrets key: {len(key)} bytes; {_KEY_BYTES} are needed")
        self._cipher = AESGCM(key)

    @classmethod
    def from_file(cls, path: Path) -> SystemSecrets:
        """Use the key in the file (Base64); make one if there is no such file.

        Raises:
            InvalidSetting: the file can't be read or made, holds no key, or others can read it.
        """
        try:
            _make_key(path)
            _check_private(path)
            text = path.read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError) as exc:
            raise InvalidSetting(f"secrets key: {str(path)!r} cannot be used: {exc}") from exc
        try:
            key = base64.b64decode(text.strip(), validate=True)
        except ValueError as exc:
            raise InvalidSetting(f"secrets key: {str(path)!r} is not Base64") from exc
        if len(key) != _KEY_BYTES:
            raise InvalidSetting(
                f"secrets key: {str(path)!r} holds {len(key)} bytes; {_KEY_BYTES} are needed"
            )
        return cls(key)

    def seal(self, secret: str, *, context: str) -> str:
        """Encrypt for `context`; twice the same secret looks different."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, secret.encode(), context.encode())
        return VERSION + base64.b64encode(nonce + sealed).decode("ascii")

    def open(self, sealed: str, *, context: str) -> str:
        """Decrypt what was sealed for `context`."""
        if not sealed.startswith(VERSION):
            raise Unavailable(
                f"{context}: the secret is not sealed as {VERSION}; it cannot be read"
            )
        try:
            raw = base64.b64decode(sealed[len(VERSION) :], validate=True)
            opened = self._cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], context.encode())
        except (InvalidTag, ValueError) as exc:
            raise WrongKey(
                f"{context}: the secret does not open; it was sealed with another key, or altered"
            ) from exc
        return opened.decode()


def _make_key(path: Path) -> None:
    """Make the file with a key unless there is one; never a file with half a key."""
    if path.exists():
        return
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(base64.b64encode(secrets.token_bytes(_KEY_BYTES)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)  # fails if the file exists: of two hubs that start, one makes it
        except FileExistsError:
            return
        directory = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    finally:
        draft.unlink()


def _check_private(path: Path) -> None:
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        raise InvalidSetting(
            f"secrets key: {str(path)!r} has the mode {mode:04o}, so others can read it;"
            " it must be 0600"
        )


_: type[Secrets] = SystemSecrets
