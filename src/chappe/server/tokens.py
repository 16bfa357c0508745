"""The tokens file for the command line, which may not name adapters itself."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from chappe.adapters.auth import tokens
from chappe.adapters.auth.tokens import Token


def list_tokens(path: Path) -> Sequence[Token]:
    """The tokens in the file; none when there is no file."""
    return tokens.load(path)


def new_token(
    path: Path,
    name: str,
    rights: Sequence[str],
    roles: Sequence[str],
    *,
    created: str,
) -> str:
    """Make a token; it is given back and stands nowhere else. The directory is made if need be."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return tokens.add(path, name, rights, created=created, roles=roles)


def check_new(path: Path, name: str, rights: Sequence[str], roles: Sequence[str]) -> None:
    """See that a token could be made; nothing is written.

    Raises:
        CallerError: it could not.
    """
    tokens.add(path, name, rights, created="", roles=roles, dry_run=True)


def remove_token(path: Path, name: str, *, dry_run: bool = False) -> None:
    """Forget the token of that name; with `dry_run` see that there is one."""
    tokens.remove(path, name, dry_run=dry_run)
