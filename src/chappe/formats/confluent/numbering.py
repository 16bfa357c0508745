"""Ids for schemas that came through the registry's own API: they are given when first looked for."""

from __future__ import annotations

from chappe.formats.confluent.edit import Edit
from chappe.formats.confluent.errors import InvalidSchema
from chappe.formats.confluent.identity import Content
from chappe.formats.confluent.index import PRIVATE, SCHEMAGROUPS, SCHEMAS, Place, fingerprint
from chappe.formats.confluent.parsing import Parser, Resolved
from chappe.formats.confluent.registering import marks_of
from chappe.registry.lineage import instant


def number_all(edit: Edit, parser: Parser) -> None:
    """Give every version that has none an id, and a number if its own id is none."""
    for place, ids in list(edit.index.unnumbered.items()):
        group = edit.index.tree.of(SCHEMAGROUPS)[place[0]]
        versions = group.of(SCHEMAS)[place[1]].versions
        for id in sorted(ids, key=lambda one: instant(str(versions[one].attributes["createdat"]))):
            _number(edit, parser, place, id)


def _number(edit: Edit, parser: Parser, place: Place, id: str) -> None:
    index = edit.index
    group = index.tree.of(SCHEMAGROUPS)[place[0]]
    version = group.of(SCHEMAS)[place[1]].versions[id]
    document = version.document or b""
    type_ = parser.type_of(str(version.attributes["format"]))
    assert type_ is not None, place
    context = next(one for one in index.contexts.values() if one.gid == place[0])
    content = Content(type_, document.decode("utf-8", "replace"))
    try:
        content = parser.shown(Resolved(content, {})).content
    except InvalidSchema:
        pass  # Such as one that refers to others, which it is the API's alone to name.
    same = index.by_content(context.name, content)
    number = same[0].id if same else context.next_id
    marks = {
        **marks_of(content, number, document),
        "type": type_,
        "of": fingerprint(document),
        "ts": version.attributes.get(PRIVATE, {}).get("ts", edit.now_ms),
    }
    if not id.isdigit() or id[0] == "0":
        name = index.places.find(place)
        subject = None if name is None else index.subject(name)
        marks["version"] = 1 if subject is None else subject.last_version + 1
    edit.number(place, id, marks, number + 1)
