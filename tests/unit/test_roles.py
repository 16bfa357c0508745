"""Roles: what each may do, for which groups, and what a refusal says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chappe.domain.access import (
    AUDITED,
    RIGHTS,
    RIGHTS_OF,
    ROLES,
    Grant,
    Group,
    Principal,
    Right,
    Role,
    Where,
    channel_group,
    parse_grant,
    require,
    role_for,
)
from chappe.domain.errors import Forbidden, Malformed

ORDERS = channel_group("orders")


def holding(*roles: str) -> Principal:
    return Principal.holding("ann", [parse_grant(one) for one in roles], how="oidc")


@pytest.mark.parametrize(
    ("role", "rights"),
    [
        ("viewer", {"read"}),
        ("developer", {"read", "publish", "subscribe"}),
        ("operator", {"read", "publish", "subscribe", "operate"}),
        ("admin", set(RIGHTS)),
    ],
)
def test_a_role_for_the_whole_hub_has_its_rights_everywhere(role: str, rights: set[str]) -> None:
    ann = holding(role)

    assert {right for right in RIGHTS if ann.may(right)} == rights
    assert {right for right in RIGHTS if ann.may(right, ORDERS)} == rights


@given(st.sampled_from(ROLES), st.sampled_from(RIGHTS))
def test_each_role_has_what_those_before_it_have(role: Role, right: Right) -> None:
    later = ROLES[ROLES.index(role) :]

    assert (right in RIGHTS_OF[role]) <= all(right in RIGHTS_OF[one] for one in later)
    assert role_for(right) == next(one for one in ROLES if right in RIGHTS_OF[one])


@pytest.mark.parametrize(
    ("where", "group", "held"),
    [
        ("channels/orders", "channels/orders", True),
        ("channels/orders", "channels/orders2", False),
        ("channels/orders", "schemagroups/orders", False),
        ("channels/orders", "channels/Orders", False),
        ("channels/*", "channels/orders", True),
        ("*/shop", "schemagroups/shop", True),
        ("*/shop", "schemagroups/shops", False),
        ("schemagroups/com.*", "schemagroups/com.shop", True),
        ("schemagroups/com.*", "schemagroups/com", False),
        ("*/*", "channels/orders", True),
        ("*/*", "channels/audit", False),
        ("channels/a*", "channels/audit", False),
        ("channels/audit", "channels/audit", True),
    ],
)
def test_a_role_for_groups_holds_there_and_nowhere_else(where: str, group: str, held: bool) -> None:
    ann = holding(f"developer@{where}")

    assert ann.may("subscribe", Group(*group.split("/"))) is held
    assert not ann.may("subscribe")
    assert ann.may_somewhere("subscribe")
    assert not ann.may_somewhere("operate")


@pytest.mark.parametrize("role", ["viewer", "developer", "operator"])
def test_a_role_for_the_whole_hub_does_not_read_the_audit(role: str) -> None:
    assert not holding(role).may("read", AUDITED)
    assert holding(role, "viewer@channels/audit").may("read", AUDITED)


def test_administrators_read_the_audit() -> None:
    assert holding("admin").may("read", AUDITED)


def test_a_refusal_names_the_right_the_role_that_has_it_and_the_group() -> None:
    with pytest.raises(Forbidden) as caught:
        require(holding("viewer", "developer@channels/a"), "subscribe", ORDERS)

    assert caught.value.message == (
        "user 'ann' lacks the right 'subscribe' for channels/orders; its rights: read, "
        "developer@channels/a; the role developer@channels/orders has it"
    )
    assert caught.value.details == {
        "right": "subscribe",
        "role": "developer",
        "group": "channels/orders",
    }


def test_one_of_several_groups_is_enough() -> None:
    require(holding("developer@endpoints/hub"), "subscribe", ORDERS, Group("endpoints", "hub"))


@given(
    st.sampled_from(ROLES),
    st.lists(
        st.builds(
            Where,
            st.sampled_from(["*", "channels", "schemagroups"]),
            st.from_regex(r"[a-zA-Z0-9._~:@-]{1,12}\*?", fullmatch=True) | st.just("*"),
        )
    ),
)
def test_a_grant_reads_as_it_is_written(role: Role, groups: list[Where]) -> None:
    grant = Grant(role, tuple(groups))

    assert parse_grant(str(grant)) == grant


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("viewr", "did you mean 'viewer'"),
        ("", "known: viewer"),
        ("viewer@orders", "TYPE/ID"),
        ("viewer@channels/", "TYPE/ID"),
        ("viewer@channels/a/b", "TYPE/ID"),
        ("viewer@channels/a*b", "TYPE/ID"),
        ("viewer@chan*/a", "TYPE/ID"),
        ("viewer@channels/a,", "TYPE/ID"),
    ],
)
def test_what_is_no_grant_is_refused(text: str, says: str) -> None:
    with pytest.raises(Malformed, match=says):
        parse_grant(text)
