"""Filters: what is chosen equals a slow evaluation of what the whole registry shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

from hypothesis import given, settings
from hypothesis import strategies as st

from chappe.registry.entity import Group, Resource, Tree
from tests.spec.xregistry_trees import get, get_if_found, group, resource, tree, version, xids

COLLECTIONS = ("dirs", "schemagroups", "files", "notes", "schemas", "versions")

names = st.sampled_from(["a", "A", "b", "ab", ""])
attributes: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {}, optional={"name": names, "size": st.integers(0, 2), "labels": st.just({"k": "a"})}
)


@st.composite
def resources(draw: st.DrawFn, id: str) -> Resource:
    if draw(st.integers(0, 4)) == 0:
        return resource(id, xref=draw(st.sampled_from(["/dirs/d0/files/f0", "/dirs/d9/files/f9"])))
    count = draw(st.integers(1, 3))
    return resource(id, *(version(f"v{at}", **draw(attributes)) for at in range(count)))


@st.composite
def groups(draw: st.DrawFn, id: str) -> Group:
    files = [draw(resources(f"f{at}")) for at in range(draw(st.integers(0, 3)))]
    notes = [resource("n", version("1", **draw(attributes)))] * draw(st.integers(0, 1))
    return group(id, {"files": files, "notes": notes}, **draw(attributes))


@st.composite
def trees(draw: st.DrawFn) -> Tree:
    dirs = [draw(groups(f"d{at}")) for at in range(draw(st.integers(0, 3)))]
    others = [group("s", **draw(attributes))] * draw(st.integers(0, 1))
    return tree({"dirs": dirs, "schemagroups": others}, **draw(attributes))


paths = st.sampled_from(
    [
        "",
        "dirs.",
        "dirs.",
        "schemagroups.",
        "dirs.files.",
        "dirs.files.",
        "dirs.notes.",
        "dirs.files.versions.",
        "dirs.notes.versions.",
    ]
)
expressions = st.sampled_from(
    [
        "name",
        "name=null",
        "name=a",
        "name=",
        "name!=a",
        "name=a*",
        "size=1",
        "size!=1",
        "labels.k=a",
        "labels.k=null",
        "xid=*0*",
    ]
)
filters = st.lists(
    st.lists(st.tuples(paths, expressions), min_size=1, max_size=3), min_size=1, max_size=3
)


@settings(max_examples=300, deadline=None)
@given(trees(), filters)
def test_a_filtered_answer_holds_what_a_naive_evaluation_chooses(
    of: Tree, asked: Sequence[Sequence[tuple[str, str]]]
) -> None:
    whole = get(of, "/?inline=*")
    leaves: set[str] = set()
    for conditions in asked:
        leaves |= set.intersection(*(set(_naive(whole, *one)) for one in conditions))
    expected = {xid for xid in xids(whole) if any(_is_above(xid, leaf) for leaf in leaves)}

    query = "&".join(
        "filter=" + ",".join(quote(path + expression) for path, expression in conditions)
        for conditions in asked
    )
    assert set(xids(get_if_found(of, f"/?inline=*&{query}"))) == expected


@settings(max_examples=100, deadline=None)
@given(trees(), filters)
def test_counts_are_of_what_is_shown(of: Tree, asked: Sequence[Sequence[tuple[str, str]]]) -> None:
    query = "&".join(
        "filter=" + ",".join(quote(path + expression) for path, expression in conditions)
        for conditions in asked
    )
    for entity in _entities(get_if_found(of, f"/?inline=*&{query}")):
        for name in COLLECTIONS:
            if f"{name}count" in entity:
                assert entity[f"{name}count"] == len(entity[name])
                excluded = entity[f"{name}url"].endswith("?filter=excludeall")
                assert excluded == (entity[f"{name}count"] == 0)


def _entities(shown: Any) -> Iterator[dict[str, Any]]:
    if isinstance(shown, dict):
        if "xid" in shown:
            yield shown
        for value in shown.values():
            yield from _entities(value)


def _naive(whole: dict[str, Any], path: str, expression: str) -> Iterator[str]:
    """The xids of the leaves below the entities that match one condition."""
    found = [whole]
    for hop in path.split(".")[:-1]:
        found = [one for entity in found for one in entity.get(hop, {}).values()]
    for entity in found:
        if _holds(entity, expression):
            yield from _leaves(entity)


def _leaves(entity: dict[str, Any]) -> Iterator[str]:
    below = [one for name in COLLECTIONS for one in entity.get(name, {}).values()]
    if not below:
        yield entity["xid"]
    for one in below:
        yield from _leaves(one)


def _holds(entity: dict[str, Any], expression: str) -> bool:
    negated = "!=" in expression
    path, equals, wanted = expression.replace("!=", "=").partition("=")
    value: Any = entity
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if not equals:
        return value is not None
    if wanted == "null":
        return value is None
    text = str(value).lower()
    if value is None:
        found = False
    elif wanted == "a*":
        found = text.startswith("a")
    elif wanted == "*0*":
        found = "0" in text
    else:
        found = text == wanted
    return found != negated


def _is_above(xid: str, leaf: str) -> bool:
    return xid in ("/", leaf) or leaf.startswith(f"{xid}/")
