"""Schema Registry 0.2 without HTTP: names, and the index of schema version URIs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chappe.domain.errors import ChappeError, Conflict, Malformed
from chappe.formats.languages import json_alone
from chappe.formats.schemaregistry02.changing import (
    PutGroup,
    Registration,
    Removal,
    a_group,
    a_schema,
    a_version,
    all_schemas,
)
from chappe.formats.schemaregistry02.documents import Sent
from chappe.formats.schemaregistry02.format_names import effective, of_media_type
from chappe.formats.schemaregistry02.group_json import GroupSent
from chappe.formats.schemaregistry02.known_uris import KnownUris, follow
from chappe.formats.schemaregistry02.names import find_id, free_id, is_segment, name_of, shown
from chappe.formats.schemaregistry02.uris import Named
from chappe.formats.schemaregistry02.versions import numbered, schema_of
from chappe.registry.entity import Collection, Tree
from chappe.registry.request import Rules
from chappe.registry.values import ID
from chappe.testing.hub_registry import BEGAN, hub_tree

RULES = Rules(json_alone())
NAME = st.text(min_size=1, max_size=12).filter(str.isprintable) | st.text("aAbB~_.%", min_size=1)


@given(names=st.lists(NAME, max_size=12))
def test_each_name_has_an_id_of_its_own_and_is_found_by_it(names: list[str]) -> None:
    present: Collection[str] = Collection()
    named: dict[str, str] = {}
    for name in names:
        found = find_id(present, name)
        assert found == named.get(name)
        if found is None:
            try:
                id = free_id(present, name, sent=shown(name), what="schema")
            except Conflict:
                continue
            assert ID.fullmatch(id)
            assert present.clash(id) is None
            present = present.changed({id: name})
            named[name] = id
    for name, id in named.items():
        assert find_id(present, name) == id
        assert name_of(present, id) == name
        assert is_segment(shown(name))


@given(ids=st.lists(st.from_regex(ID, fullmatch=True), max_size=8))
def test_no_two_entities_of_the_registry_have_one_name(ids: list[str]) -> None:
    present: Collection[str] = Collection()
    for id in ids:
        if present.clash(id) is None:
            present = present.changed({id: id})
    names = {name_of(present, id) for id in present}
    assert len(names) == len(present)
    for id in present:
        assert find_id(present, name_of(present, id)) == id


def test_a_name_whose_ids_are_all_taken_is_refused() -> None:
    present: Collection[str] = Collection({"AB": "AB", "_~~~61B": "_~~~61B"})
    with pytest.raises(Conflict, match="'_~~~61b'"):
        free_id(present, "ab", sent="ab", what="schema")


@pytest.mark.parametrize("sent", ["", "a:b", "a/b", "a b", "a%", 'a"b', "é", "a?b"])
def test_what_is_no_segment_gets_no_id(sent: str) -> None:
    with pytest.raises(Malformed):
        free_id(Collection(), sent, sent=sent, what="group")


@pytest.mark.parametrize(
    ("sent", "present", "format"),
    [
        ("avro", None, "Avro/1.12"),
        ("AVRO", "Avro/1.11", "Avro/1.11"),
        ("Avro/1.12", "Avro/1.11", "Avro/1.12"),
        ("json-schema", "JsonSchema/draft-07", "JsonSchema/draft-07"),
        ("json-schema", "Avro/1.12", "JsonSchema"),
        ("xsd11", "XSD/1.0", "XSD/1.1"),
        ("thrift", None, "thrift"),
        ("thrift", "Thrift/0.9", "Thrift/0.9"),
    ],
)
def test_a_format_that_names_a_language_alone_is_the_one_there_is(
    sent: str, present: str | None, format: str
) -> None:
    assert effective(sent, present) == format


@pytest.mark.parametrize(
    ("contenttype", "format"),
    [
        (None, None),
        ("application/json", None),
        ("application/json;format=avro", "avro"),
        ('application/json; charset=utf-8; FORMAT="json-schema"', "json-schema"),
        ("application/json;format=", None),
        ("application/json;format", None),
        ("application/json;format*=utf-8''avro", None),
        ("nonsense", None),
    ],
)
def test_a_media_type_may_name_a_format(contenttype: str | None, format: str | None) -> None:
    assert of_media_type(contenttype) == format


NAMES = st.sampled_from(["a", "A", "b/c"])
URIS = st.sampled_from([None, "urn:x", "http://x.example/"])
IDS = st.sampled_from([None, "1", "2", "urn:y:1"])
STEP = (
    st.tuples(st.just("register"), NAMES, NAMES, st.binary(min_size=1, max_size=1), URIS, IDS)
    | st.tuples(st.just("group"), NAMES)
    | st.tuples(st.just("all"), NAMES)
    | st.tuples(st.just("schema"), NAMES, NAMES)
    | st.tuples(st.just("version"), NAMES, NAMES, st.integers(1, 3))
)


@given(steps=st.lists(STEP, max_size=15))
def test_the_index_of_uris_follows_every_write_and_each_uri_is_of_one_version(
    steps: list[tuple[object, ...]],
) -> None:
    known = KnownUris()

    def uris(tree: Tree) -> KnownUris:
        nonlocal known
        known = follow(known, tree)
        return known

    tree = hub_tree()
    for name in ("a", "A", "b/c"):
        tree = PutGroup(name, shown(name), GroupSent())(tree, BEGAN, RULES)[0].tree
    for step in steps:
        try:
            tree = done(tree, step, uris)
        except ChappeError:
            continue  # refused; the tree is as it was
        uris(tree)

    fresh = follow(KnownUris(), tree)
    assert dict(uris(tree).by_uri) == dict(fresh.by_uri)
    assert all(len(places) == 1 for places in fresh.by_uri.values())


def done(tree: Tree, step: tuple[object, ...], uris: object) -> Tree:
    """The tree after one request."""
    match step:
        case ("register", str(group), str(schema), bytes(document), authority, id):
            sent = Sent(document, None, "any", None, authority, id)  # type: ignore[arg-type]
            request = Registration(
                group, schema, shown(schema), sent, "http://hub/api", "http://hub", uris  # type: ignore[arg-type]
            )  # fmt: skip
            written, found = request(tree, BEGAN, RULES)
            made = schema_of(found.group, schema)
            assert made is not None
            assert numbered(written.tree, made)[found.named.number].document == document
            return written.tree
        case ("group", str(group)):
            choose = a_group(group)
        case ("all", str(group)):
            choose = all_schemas(group)
        case ("schema", str(group), str(schema)):
            choose = a_schema(group, schema)
        case ("version", str(group), str(schema), int(number)):
            choose = a_version(Named(group, schema, number))
        case _:
            raise AssertionError(step)
    return Removal(choose)(tree, BEGAN, RULES)[0].tree
