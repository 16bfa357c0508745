"""One entity as JSON text, with what is inlined below it (core/spec.md "Design: JSON Serialization").

A `Chosen` that is None means that the request has no filter; then no URL carries one. `pointer` is
where the entity stands in the response ("#" its root); only the document view shows it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from typing import Any, Final, TypeAlias

from chappe.registry.capabilities import SPECVERSION
from chappe.registry.documents import inlined
from chappe.registry.entity import Collection, Group, Resource, Tree, Version, id_key
from chappe.registry.errors import RegistryError
from chappe.registry.flags import NOTHING, Inline
from chappe.registry.locations import below, details, short_url, shown_pointer
from chappe.registry.mirrors import shown_of
from chappe.registry.model import GroupType, ResourceType
from chappe.registry.pieces import encoded, meta_piece_of, pieces, pieces_of
from chappe.registry.select import EXCLUDE_ALL, WHOLE, Chosen

MAX_CHARS: Final = 256 * 1024 * 1024
"""Of one response; more is `too_large` (core/spec.md "Inline Flag")."""

Choices: TypeAlias = Mapping[str, Chosen]
"""The chosen entities of a collection, by id."""

Drawer: TypeAlias = Callable[["Text", str, str, Any, Inline, Chosen | None], None]
"""(text, xid, pointer, entity, inline, chosen): adds the entity's JSON to the text."""


def in_order(entities: Collection[Any], choices: Choices | None) -> Sequence[str]:
    """The ids of a collection that a filter chose, ascending."""
    if choices is None or len(choices) == len(entities):
        return entities.ordered()
    if len(choices) > len(entities) // 8:
        return [id for id in entities.ordered() if id in choices]
    return sorted(choices, key=id_key)


class Text:
    """A text under way; a long one is there once, encoded."""

    __slots__ = ("_done", "_parts", "_waiting")

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._waiting = 0
        self._done = BytesIO()

    def add(self, text: str) -> None:
        """Add to the end."""
        self._parts.append(text)
        self._waiting += len(text)
        if self._waiting > _ENCODED_AT_ONCE:
            self._encode()

    def value(self) -> bytes:
        """The whole text; nothing is added any more."""
        if not self._done.tell():
            return "".join(self._parts).encode()
        self._encode()
        return self._done.getvalue()

    def _encode(self) -> None:
        self._done.write("".join(self._parts).encode())
        self._parts.clear()
        self._waiting = 0


_ENCODED_AT_ONCE: Final = 1024 * 1024
"""Characters."""


class Drawing:
    """How one response draws entities."""

    def __init__(self, tree: Tree, base: str, *, doc: bool, binary: bool, subject: str) -> None:
        self._tree = tree
        self._base = encoded(base)[1:-1]  # a request's own host may be part of it
        self._doc = doc
        self._binary = binary
        self._subject = subject
        self._short = tree.capabilities.get("shortself") is True and not doc
        self._plain = not doc and not self._short
        self._left = MAX_CHARS

    def _spend(self, text: str) -> None:
        self._left -= len(text)
        if self._left < 0:
            raise RegistryError("too_large", self._subject)

    def _where(self, xid: str, pointer: str, end: str, uid: int, suffix: str = "") -> str:
        """`,"self":…,"shortself":…,"xid":…`; `end` is "$details" or ""."""
        if self._doc:
            return f',"self":"{shown_pointer(pointer)}","xid":"{xid}"'
        short = f',"shortself":"{short_url(self._base, uid, suffix)}"' if self._short else ""
        return f',"self":"{self._base}{xid}{end}"{short},"xid":"{xid}"'

    def registry(self, text: Text, pointer: str, inline: Inline, chosen: Chosen | None) -> None:
        """The registry itself (core/spec.md "Registry Entity")."""
        tree = self._tree
        piece = pieces(tree.attributes)
        own = (
            f'"specversion":"{SPECVERSION}","registryid":{encoded(tree.attributes["registryid"])}'
            f"{self._where('/', pointer, '', 0)}{piece.head}{piece.body}"
        )
        # "*" does not mean these three: they stand in `below` only if they are asked for by name.
        if "capabilities" in inline.below:
            own += f',"capabilities":{encoded(tree.capabilities)}'
        if "model" in inline.below:
            own += f',"model":{encoded(tree.model.full)}'
        if "modelsource" in inline.below:
            own += f',"modelsource":{encoded(tree.model.source)}'
        self._spend(own)
        text.add("{" + own)
        self._collections(text, "", pointer, tree, inline, chosen)
        text.add("}")

    def _collections(
        self,
        text: Text,
        xid: str,
        pointer: str,
        entity: Tree | Group,
        inline: Inline,
        chosen: Chosen | None,
        group_type: GroupType | None = None,
    ) -> None:
        """The three attributes of each collection of the registry or of a group."""
        for name, type in self._types(group_type):
            self._collection(
                text,
                name,
                f"{xid}/{name}",
                below(pointer, name),
                entity.of(name),
                inline.of(name),
                chosen,
                self.drawer(type),
            )

    def _types(self, group_type: GroupType | None) -> list[tuple[str, GroupType | ResourceType]]:
        types: Mapping[str, GroupType | ResourceType] = (
            self._tree.model.groups if group_type is None else group_type.resources
        )
        return list(types.items())

    def drawer(self, type: GroupType | ResourceType) -> Drawer:
        """What draws the entities of a type."""
        if isinstance(type, GroupType):
            return lambda text, xid, pointer, entity, inline, chosen: self.group(
                text, xid, pointer, entity, type, inline, chosen
            )
        return lambda text, xid, pointer, entity, inline, chosen: self.resource(
            text, xid, pointer, entity, type, inline, chosen
        )

    def _collection(
        self,
        text: Text,
        name: str,
        xid: str,
        pointer: str,
        entities: Collection[Any],
        inline: Inline | None,
        chosen: Chosen | None,
        draw: Drawer,
    ) -> None:
        choices: Choices | None = None
        query = ""
        if chosen is not None and not chosen.everything:
            choices = chosen.members.get(name, {})
            query = chosen.queries.get(name, "")
        count = len(entities) if choices is None else len(choices)
        if chosen is not None and count == 0:
            query = EXCLUDE_ALL
        url = pointer if self._doc and inline is not None else f"{self._base}{xid}{query}"
        text.add(f',"{name}url":"{url}","{name}count":{count}')
        if inline is None:
            return
        # Below an entity that is chosen whole, too, empty collections have URLs of their own.
        within = WHOLE if chosen is not None and choices is None else None
        text.add(f',"{name}":')
        ids = in_order(entities, choices)
        self.map(text, xid, pointer, ids, entities, choices, within, inline, draw)

    def map(
        self,
        text: Text,
        xid: str,
        pointer: str,
        ids: Sequence[str],
        entities: Mapping[str, Any],
        choices: Choices | None,
        within: Chosen | None,
        inline: Inline,
        draw: Drawer,
    ) -> None:
        """The map of a collection; what `choices` does not tell of an entity, `within` does."""
        lead = "{"
        for id in ids:
            text.add(f'{lead}"{id}":')
            lead = ","
            chosen = within if choices is None else choices[id]
            draw(text, f"{xid}/{id}", below(pointer, id), entities[id], inline, chosen)
        text.add("}" if ids else "{}")

    def group(
        self,
        text: Text,
        xid: str,
        pointer: str,
        group: Group,
        type: GroupType,
        inline: Inline,
        chosen: Chosen | None,
    ) -> None:
        """A group (core/spec.md "Group Entity")."""
        piece = pieces_of(group)
        own = (
            f'"{type.singular}id":"{group.id}"{self._where(xid, pointer, "", group.uid)}'
            f"{piece.head}{piece.body}"
        )
        self._spend(own)
        text.add("{" + own)
        self._collections(text, xid, pointer, group, inline, chosen, type)
        text.add("}")

    def resource(
        self,
        text: Text,
        xid: str,
        pointer: str,
        resource: Resource,
        type: ResourceType,
        inline: Inline,
        chosen: Chosen | None,
    ) -> None:
        """A resource; in document view without its default version (core/spec.md "Doc Flag")."""
        singular = type.singular
        mirrors = "xref" in resource.meta
        if chosen is None and self._plain and not (mirrors or inline.everything or inline.below):
            text.add(self._plain_resource(xid, resource, type))
            return
        shown = resource if not mirrors else shown_of(self._tree, resource)
        where = self._where(xid, pointer, details(type), resource.uid)
        version = None if shown is None or self._doc else shown.default
        if version is None:
            own = f'"{singular}id":"{resource.id}"{where}'
        else:
            piece = pieces_of(version, f"{singular}url")
            own = (
                f'"{singular}id":"{resource.id}","versionid":"{version.id}"{where}'
                f'{piece.head},"isdefault":true{piece.body}'
            )
            if type.hasdocument and inline.of(singular) is not None:
                own += inlined(version, type, binary=self._binary)
        meta = inline.of("meta")
        if meta is None:
            own += f',"metaurl":"{self._base}{xid}/meta"'
        else:
            place = below(pointer, "meta")
            url = place if self._doc else f"{self._base}{xid}/meta"
            inlined_default = inline.of("versions") is not None and _has_default(shown, chosen)
            default = below(pointer, "versions") if inlined_default else ""
            drawn = self.meta(f"{xid}/meta", place, resource, type, default)
            own += f',"metaurl":"{url}","meta":{drawn}'
        self._spend(own)
        text.add("{" + own)
        if shown is None or (mirrors and self._doc):
            text.add("}")
            return
        self._collection(
            text,
            "versions",
            f"{xid}/versions",
            below(pointer, "versions"),
            shown.versions,
            inline.of("versions"),
            chosen,
            self.version_drawer(resource, shown, type),
        )
        text.add("}")

    def version_drawer(self, resource: Resource, shown: Resource, type: ResourceType) -> Drawer:
        """What draws the versions of a resource; `shown` is the target of a mirror."""
        return lambda text, xid, pointer, version, inline, chosen: text.add(
            self.version(xid, pointer, version, resource, shown, type, inline)
        )

    def _plain_resource(self, xid: str, resource: Resource, type: ResourceType) -> str:
        """What `resource` draws in the commonest case: no flag, no mirror."""
        version = resource.default
        url = f"{self._base}{xid}"
        text = f'{{"{type.singular}id":"{resource.id}"'
        if version is None:
            text += f',"self":"{url}{details(type)}","xid":"{xid}"'
        else:
            piece = pieces_of(version, f"{type.singular}url")
            text += (
                f',"versionid":"{version.id}","self":"{url}{details(type)}","xid":"{xid}"'
                f'{piece.head},"isdefault":true{piece.body}'
            )
        text += (
            f',"metaurl":"{url}/meta","versionsurl":"{url}/versions"'
            f',"versionscount":{len(resource.versions)}}}'
        )
        self._spend(text)
        return text

    def meta(
        self, xid: str, pointer: str, resource: Resource, type: ResourceType, versions: str = ""
    ) -> str:
        """A meta entity (core/spec.md "Meta Entity").

        `versions` is the pointer of the versions, where the default version is in the response.
        """
        own = f'"{type.singular}id":"{resource.id}"'
        own += self._where(xid, pointer, "", resource.uid, "/meta")
        xref = resource.xref
        if xref is not None:
            own += f',"xref":{encoded(xref)}'
        shown = resource if xref is None else shown_of(self._tree, resource)
        if shown is None or (xref is not None and self._doc):
            return "{" + own + "}"
        default = shown.meta.get("defaultversionid", "")
        if self._doc and versions:
            url = below(versions, default)
        else:
            path = xid.removesuffix("/meta")
            url = f"{self._base}{path}/versions/{default}{details(type)}"
        sticky = "true" if shown.meta.get("defaultversionsticky") is True else "false"
        text = (
            f'{{{own}{meta_piece_of(shown)},"defaultversionid":"{default}"'
            f',"defaultversionurl":"{url}","defaultversionsticky":{sticky}}}'
        )
        return text

    def version(
        self,
        xid: str,
        pointer: str,
        version: Version,
        resource: Resource,
        shown: Resource,
        type: ResourceType,
        inline: Inline = NOTHING,
    ) -> str:
        """A version (core/spec.md "Version Entity"); `shown` is the target of a mirror."""
        singular = type.singular
        piece = pieces_of(version, f"{singular}url")
        if resource is shown:
            where = self._where(xid, pointer, details(type), version.uid)
        else:
            suffix = f"/versions/{version.id}"
            where = self._where(xid, pointer, details(type), resource.uid, suffix)
        default = "true" if shown.meta.get("defaultversionid") == version.id else "false"
        text = (
            f'{{"{singular}id":"{resource.id}","versionid":"{version.id}"{where}'
            f'{piece.head},"isdefault":{default}{piece.bare if self._doc else piece.body}'
        )
        if type.hasdocument and inline.of(singular) is not None:
            text += inlined(version, type, binary=self._binary)
        self._spend(text)
        return text + "}"


def _has_default(shown: Resource | None, chosen: Chosen | None) -> bool:
    """Whether the default version is among those that the filter chose."""
    if shown is None:
        return False
    if chosen is None or chosen.everything:
        return True
    return shown.meta.get("defaultversionid") in chosen.members.get("versions", {})
