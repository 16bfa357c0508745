"""Secrets at rest."""

from __future__ import annotations

import base64
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chappe.adapters.system.secrets import SystemSecrets
from chappe.domain.errors import InvalidSetting, Unavailable

SECRETS = SystemSecrets(b"k" * 32)


@given(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8")))
def test_what_was_sealed_opens_in_its_context(secret: str, context: str) -> None:
    sealed = SECRETS.seal(secret, context=context)
    assert sealed.startswith("v1:")
    assert SECRETS.open(sealed, context=context) == secret


def test_the_same_secret_never_looks_the_same() -> None:
    assert SECRETS.seal("x", context="a") != SECRETS.seal("x", context="a")


def test_a_secret_opens_neither_elsewhere_nor_with_another_key_nor_altered() -> None:
    sealed = SECRETS.seal("hunter2", context="a")
    raw = bytearray(base64.b64decode(sealed[3:]))
    raw[-1] ^= 1
    altered = "v1:" + base64.b64encode(raw).decode()
    for secrets, text, context in (
        (SECRETS, sealed, "b"),
        (SystemSecrets(b"x" * 32), sealed, "a"),
        (SECRETS, altered, "a"),
        (SECRETS, "v1:", "a"),
        (SECRETS, "v1:!!", "a"),
        (SECRETS, "v2:" + sealed[3:], "a"),
        (SECRETS, "hunter2", "a"),
    ):
        with pytest.raises(Unavailable) as refused:
            secrets.open(text, context=context)
        assert "hunter2" not in refused.value.message


def test_a_key_is_made_once_and_for_this_user_alone(tmp_path: Path) -> None:
    path = tmp_path / "secrets.key"
    sealed = SystemSecrets.from_file(path).seal("x", context="a")
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(base64.b64decode(path.read_bytes())) == 32
    assert SystemSecrets.from_file(path).open(sealed, context="a") == "x"
    assert os.listdir(tmp_path) == ["secrets.key"]


def test_of_many_that_start_at_once_all_get_the_same_key(tmp_path: Path) -> None:
    path = tmp_path / "secrets.key"
    with ThreadPoolExecutor(8) as pool:
        several = list(pool.map(lambda _: SystemSecrets.from_file(path), range(16)))
    sealed = several[0].seal("x", context="a")
    assert {secrets.open(sealed, context="a") for secrets in several} == {"x"}


@pytest.mark.parametrize("content", ["", "short", "!" * 44, base64.b64encode(b"x" * 31).decode()])
def test_a_file_that_holds_no_key_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "secrets.key"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(InvalidSetting, match="secrets key"):
        SystemSecrets.from_file(path)


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secrets.key"
    SystemSecrets.from_file(path)
    path.chmod(0o644)
    with pytest.raises(InvalidSetting, match="mode 0644"):
        SystemSecrets.from_file(path)


def test_a_directory_that_does_not_exist_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting, match="cannot be used"):
        SystemSecrets.from_file(tmp_path / "none" / "secrets.key")
