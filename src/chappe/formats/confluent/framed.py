"""Which schema a frame names, and whether it is the one that the event's message declares.

The numbers of a frame are those of one context: that of the declared schema's group, or, where none is
declared, the one that the message names. A guid is the same everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from chappe.domain.errors import Malformed
from chappe.formats.confluent.framing import Key
from chappe.formats.confluent.identity import Content
from chappe.formats.confluent.index import Context, Entry, Index
from chappe.formats.confluent.names import DEFAULT, context_of
from chappe.formats.confluent.parsing import Parser, Resolved, resolve_entry
from chappe.formats.confluent.texts import AVRO, JSON, PROTOBUF, type_of
from chappe.registry.entity import Version
from chappe.registry.versions_at import version_at


class Wanted(NamedTuple):
    """What a frame may name: any schema of a context, or what `by` declares.

    `by` is who declares it, such as "/messagegroups/shop/messages/paid"; `xid` a schema of the
    registry or one of its versions, `document` and `format` a schema that stands in the message.
    """

    by: str
    context: str = DEFAULT
    xid: str | None = None
    document: bytes = b""
    format: str = ""


def find_named(index: Index, parser: Parser, key: Key, wanted: Wanted) -> Entry:
    """The version that a frame names.

    Raises:
        Malformed: there is none, or it is not what is declared.
    """
    xid = None if wanted.xid is None else wanted.xid.removesuffix("$details")
    declared = None if xid is None else _place(index, xid)
    context = wanted.context if declared is None else _context(index, declared[0])
    found = list(_entries(index, key, context))
    if not found:
        raise Malformed(f"the frame names {_told(key)}, which {_where(key, context)}")
    if declared is not None and xid is not None:
        own = [one for one in found if _place_of(index, one) == declared]
        if "/versions/" in xid:
            version = version_at(index.tree, xid)
            own = [one for one in own if version is not None and one.uid == version.uid]
        if not own:
            raise _other(index, key, found[0], f"{wanted.by} declares {xid}")
        return own[0]
    if wanted.document:
        same = next((one for one in found if _is_same(index, parser, one, wanted)), None)
        if same is None:
            raise _other(index, key, found[0], f"{wanted.by} declares another in its dataschema")
        return same
    return found[0]


def entry_at(index: Index, xid: str, version: Version) -> Entry | None:
    """The entry of a version of the schema at the xid; None where it has no id yet."""
    name = index.places.find(_place(index, xid.removesuffix("$details")))
    subject = None if name is None else index.subject(name)
    versions = () if subject is None else subject.versions
    return next((one for one in versions if one.uid == version.uid), None)


def _entries(index: Index, key: Key, context: str) -> Iterator[Entry]:
    """The versions of an id in its context; of a guid in any, those of the context first."""
    if isinstance(key, int):
        yield from index.by_id(context, key)
        return
    first = index.context(context)
    rest = [one for one in index.contexts.values() if one is not first]
    for each in rest if first is None else (first, *rest):
        yield from _of_guid(each, key)


def _of_guid(context: Context, guid: str) -> Iterator[Entry]:
    for type_ in (AVRO, JSON, PROTOBUF):
        yield from context.contents.find((type_, guid)) or ()


def _is_same(index: Index, parser: Parser, entry: Entry, wanted: Wanted) -> bool:
    """Whether a registered schema is the one in the message, in whatever spelling."""
    if type_of(wanted.format) != entry.type:
        return False
    inline = Content(entry.type, wanted.document.decode("utf-8", "replace"))
    return parser.normal_text(Resolved(inline, {})) == parser.normal_text(
        resolve_entry(index, entry)
    )


def _place(index: Index, xid: str) -> tuple[str, str]:
    """The group and the id of a schema, of the one that it mirrors if it does."""
    place = xid.partition("/versions/")[0]
    resource = index.tree.resource(place)
    if resource is not None and resource.xref is not None:
        place = resource.xref
    _, _, group, _, id_ = place.split("/")
    return group, id_


def _place_of(index: Index, entry: Entry) -> tuple[str, str] | None:
    subject = index.subject(entry.name)
    return None if subject is None else subject.place


def _context(index: Index, gid: str) -> str:
    found = (one.name for one in index.contexts.values() if one.gid == gid)
    return next(found, None) or context_of(gid)


def _told(key: Key) -> str:
    return f"the schema {'id' if isinstance(key, int) else 'guid'} {key}"


def _where(key: Key, context: str) -> str:
    return f"the context {context!r} does not have" if isinstance(key, int) else "is not registered"


def _xid(index: Index, entry: Entry) -> str:
    group, id_ = _place_of(index, entry) or ("", "")
    return f"/schemagroups/{group}/schemas/{id_}/versions/{entry.source.id}"


def _other(index: Index, key: Key, entry: Entry, declared: str) -> Malformed:
    return Malformed(f"the frame names {_told(key)}, which is {_xid(index, entry)}; {declared}")
