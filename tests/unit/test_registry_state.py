"""The registry's state, and the bytes it is kept in."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from types import MappingProxyType

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chappe.domain.channel import Channel
from chappe.domain.errors import Conflict, Malformed, Unavailable
from chappe.domain.filters import ALWAYS, All, Exact, Filter, Not
from chappe.domain.retry import RetryPolicy
from chappe.domain.subscription import Credential, HttpSettings, Subscription
from chappe.formats.filters_json import render_filters
from chappe.formats.transaction_json import (
    decode_state,
    decode_transaction,
    encode_state,
    encode_transaction,
)
from chappe.registry.declaration import Declaration
from chappe.registry.state import State, empty
from chappe.registry.transaction import (
    Change,
    DropDeclaration,
    DropSubscription,
    PutChannel,
    PutDeclaration,
    PutSubscription,
    Transaction,
    check_channel,
    check_declared_once,
    check_epoch,
)

TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
NAMES = st.sampled_from(["a", "b", "c", "d"])
NUMBERS = st.integers(1, 2**53)
SECONDS = st.floats(0.001, 86_400.0)
FILTERS = st.sampled_from([All(()), All((Exact("type", "é"),)), All((Not(Exact("id", "x")),))])


def subscription(id_: str = "a", filter_: Filter = ALWAYS, **fields: object) -> Subscription:
    filters_json = msgspec.json.encode(render_filters(filter_))
    return Subscription(id_, "https://h/x", filter=filter_, filters_json=filters_json, **fields)  # type: ignore[arg-type]


SUBSCRIPTIONS = st.builds(
    subscription,
    NAMES,
    FILTERS,
    channel=NAMES,
    source=st.none() | TEXT,
    types=st.frozensets(TEXT, max_size=3),
    settings=st.builds(HttpSettings, st.dictionaries(TEXT, TEXT, max_size=2), NAMES),
    credential=st.none() | st.builds(Credential, NAMES, st.none() | TEXT, TEXT),
    config=st.dictionaries(TEXT, st.none() | st.booleans() | NUMBERS | st.lists(TEXT)),
    concurrency=NUMBERS,
    timeout_s=SECONDS,
    retry=st.builds(RetryPolicy, NUMBERS, SECONDS, SECONDS, SECONDS, SECONDS),
    starts_after=NUMBERS,
    epoch=NUMBERS,
    created_at=TEXT,
    modified_at=TEXT,
)
DECLARATIONS = st.builds(
    Declaration,
    NAMES,
    NAMES,
    TEXT,
    st.sampled_from([b"{}", b'{"maximum":1.10}', b"true"]),
    st.sampled_from(["off", "warn", "enforce"]),
    NUMBERS,
    TEXT,
    TEXT,
)
CHANGES: st.SearchStrategy[Change] = st.one_of(
    st.builds(PutSubscription, SUBSCRIPTIONS),
    st.builds(DropSubscription, NAMES),
    st.builds(PutDeclaration, DECLARATIONS),
    st.builds(DropDeclaration, NAMES),
    st.builds(PutChannel, st.builds(Channel, NAMES, st.integers(1, 9))),
)


def seal(text: str, /, *, context: str) -> str:
    return f"{context}|{text[::-1]}"


def open_(text: str, /, *, context: str) -> str:
    found, _, sealed = text.partition("|")
    assert found == context
    return sealed[::-1]


def parts(state: State) -> tuple[object, ...]:
    return state.revision, state.subscriptions, state.declarations, state.channels


def test_a_hub_begins_with_its_three_channels() -> None:
    state = empty(8)
    assert state.revision == 0
    assert state.channels.keys() == {"default", "attempts", "deadletters"}
    assert state.channels["default"] == Channel("default", 8)


@given(st.lists(st.lists(CHANGES, max_size=4), max_size=6))
def test_applying_is_what_a_model_does_and_leaves_the_old_value(
    transactions: list[list[Change]],
) -> None:
    subscriptions: dict[str, Subscription] = {}
    declarations: dict[str, Declaration] = {}
    channels = dict(empty().channels)
    state = empty()
    for revision, changes in enumerate(transactions, start=1):
        before = state
        copied = copy.deepcopy(parts(before))
        for change in changes:
            match change:
                case PutSubscription(put):
                    subscriptions[put.id] = put
                case DropSubscription(id_):
                    subscriptions.pop(id_, None)
                case PutDeclaration(declared):
                    declarations[declared.type] = declared
                case DropDeclaration(type_):
                    declarations.pop(type_, None)
                case PutChannel(channel):
                    channels[channel.name] = channel
        state = before.apply(changes, revision)
        assert parts(state) == (revision, subscriptions, declarations, channels)
        assert parts(before) == copied


@given(st.lists(st.lists(CHANGES, max_size=3), min_size=1, max_size=5))
def test_many_transactions_at_once_are_the_same_as_one_by_one(
    transactions: list[list[Change]],
) -> None:
    state = empty()
    for revision, changes in enumerate(transactions, start=1):
        state = state.apply(changes, revision)
    at_once = empty().apply([c for changes in transactions for c in changes], len(transactions))
    assert parts(at_once) == parts(state)


def test_what_is_not_touched_is_shared() -> None:
    before = empty().apply([PutSubscription(subscription())], 1)
    after = before.apply([PutChannel(Channel("orders", 2))], 2)
    assert after.subscriptions is before.subscriptions
    assert after.channels is not before.channels


def test_what_the_state_has_already_is_not_applied_again() -> None:
    state = empty().apply([PutSubscription(subscription())], 5)
    assert state.apply([DropSubscription("a")], 5) is state
    assert state.apply([DropSubscription("a")], 4) is state


def test_applying_never_writes_to_a_mapping() -> None:
    frozen = State(0, MappingProxyType({}), MappingProxyType({}), MappingProxyType({}))
    assert frozen.apply([PutSubscription(subscription())], 1).subscriptions.keys() == {"a"}


# Rules


def declaration(group: str, type_: str) -> Declaration:
    return Declaration(group, type_, "JSONSchema", b"{}", "enforce", 1, "", "")


def test_a_type_declared_in_another_group_is_a_conflict_that_names_it() -> None:
    with pytest.raises(Conflict, match=r"messages/t: declared in the group 'shop' already"):
        check_declared_once({"t": declaration("shop", "t")}, "billing", "t")
    check_declared_once({"t": declaration("shop", "t")}, "shop", "t")


def test_an_epoch_that_is_sent_must_be_the_present_one() -> None:
    with pytest.raises(Conflict, match="subscriptions/a: epoch 3 was sent, the present one is 4"):
        check_epoch("subscriptions/a", 3, 4)
    check_epoch("subscriptions/a", 4, 4)
    check_epoch("subscriptions/a", None, 4)


def test_a_channel_must_exist() -> None:
    with pytest.raises(Malformed, match="there are: attempts, deadletters, default"):
        check_channel(empty().channels, "orders")


def test_a_path_can_stand_in_a_url() -> None:
    assert declaration("a@b", "x/y z").path == "/messagegroups/a%40b/messages/x%2Fy%20z"


# Bytes


@given(st.lists(CHANGES, max_size=4), TEXT, TEXT, TEXT)
def test_a_transaction_comes_back_as_it_was(
    changes: Sequence[Change], at: str, by: str, correlation: str
) -> None:
    transaction = Transaction(tuple(changes), at, by, correlation)
    assert decode_transaction(encode_transaction(transaction, seal=seal), open=open_) == transaction


@given(st.lists(CHANGES, max_size=8))
def test_a_state_comes_back_as_it_was(changes: Sequence[Change]) -> None:
    state = empty().apply(changes, 7)
    assert parts(decode_state(encode_state(state, seal=seal), open=open_)) == parts(state)


def test_secrets_are_written_sealed_alone() -> None:
    put = PutSubscription(subscription(credential=Credential("PLAIN", "me", "hunter2")))
    written = encode_transaction(Transaction([put], ""), seal=seal)
    written += encode_state(empty().apply([put], 1), seal=seal)
    assert b"hunter2" not in written
    assert b"subscriptions/a/sinkcredential|2retnuh" in written


def test_a_field_of_a_newer_release_is_passed_over() -> None:
    written = json.loads(
        encode_transaction(Transaction([PutSubscription(subscription())], ""), seal=seal)
    )
    written["changes"][0]["priority"] = 1
    read = decode_transaction(json.dumps(written).encode(), open=open_)
    assert read.changes == (PutSubscription(subscription()),)


@pytest.mark.parametrize("data", [b"", b"{}", b'{"at":"","changes":[{"put":"rollout"}]}'])
def test_bytes_that_are_no_known_transaction_are_told(data: bytes) -> None:
    with pytest.raises(Unavailable, match="a transaction cannot be read"):
        decode_transaction(data, open=open_)
