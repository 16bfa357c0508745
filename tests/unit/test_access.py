from __future__ import annotations

import pytest

from chappe.domain.access import (
    ANYONE,
    RIGHTS,
    Principal,
    Right,
    may_publish,
    parse_rights,
    require,
)
from chappe.domain.errors import Forbidden, Malformed


@pytest.mark.parametrize("right", RIGHTS)
def test_admin_has_every_right(right: Right) -> None:
    assert Principal("root", frozenset({"admin"})).may(right)
    assert ANYONE.may(right)


@pytest.mark.parametrize("right", RIGHTS)
def test_another_right_gives_itself_alone(right: Right) -> None:
    reader = Principal("r", frozenset({"read"}))
    assert reader.may(right) is (right == "read")


def test_a_lacking_right_is_refused_with_name_and_rights() -> None:
    with pytest.raises(Forbidden, match="'r' lacks the right 'publish'; its rights: read"):
        require(Principal("r", frozenset({"read"})), "publish")


def test_a_right_that_is_there_lets_pass() -> None:
    assert require(ANYONE, "subscribe") is None  # type: ignore[func-returns-value]


@pytest.mark.parametrize("channel", ["attempts", "deadletters"])
def test_nobody_publishes_to_the_hubs_own_channels(channel: str) -> None:
    assert not may_publish(ANYONE, channel)
    assert may_publish(ANYONE, "default")


@pytest.mark.parametrize(
    ("names", "says"), [(["reed"], "did you mean 'read'"), (["x"], "known"), ([], "none given")]
)
def test_rights_that_are_none_are_refused(names: list[str], says: str) -> None:
    with pytest.raises(Malformed, match=says):
        parse_rights(names)


def test_rights_are_a_set() -> None:
    assert parse_rights(["read", "read", "publish"]) == {"read", "publish"}
