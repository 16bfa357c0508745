"""Finding entities of the registry: by name, by label, by the registry's filters."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click

from chappe.client.registry import Flags, RegistryClient, joined, object_of
from chappe.domain.errors import Ambiguous, CallerError, NotFound

_PLAIN_KEY = re.compile(r"[a-z_][a-z0-9_]*")

Entity = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """What a person calls it, and where it stands: collections of groups, or of resources in them."""

    name: str
    places: Sequence[tuple[str, ...]]

    @property
    def inline(self) -> Sequence[str]:
        """What to inline in the registry to have all of them."""
        return [".".join(place) for place in self.places]


TYPES = Kind("type", (("messagegroups", "messages"), ("endpoints", "messages")))
SCHEMAS = Kind("schema", (("schemagroups", "schemas"), ("messagegroups", "messages")))
ENDPOINTS = Kind("endpoint", (("endpoints",),))


def branches(
    kind: Kind, *, group: str | None, labels: Sequence[str], filters: Sequence[str]
) -> list[str]:
    """The filters of a request to the root: `filters` are or'd, labels and the group must hold.

    Raises:
        click.UsageError: a label is no NAME=VALUE.
    """
    also = [_label(one) for one in labels]
    made = []
    for place in kind.places:
        prefix = ".".join(place)
        for expression in filters or ("",):
            parts = [f"{prefix}.{one}" for one in (*expression.split(","), *also) if one]
            if group is not None and len(place) == 2:
                parts.append(f"{place[0]}.{_singular(place[0])}id={escaped(group)}")
            if parts:
                made.append(",".join(parts))
    return made


async def ask(
    registry: RegistryClient, kind: Kind, filters: Sequence[str]
) -> tuple[list[Entity], bytes]:
    """All entities of a kind that a filter lets through, and the hub's answer."""
    try:
        answer = await registry.get("/", Flags(inline=kind.inline, filters=filters))
    except NotFound:
        if not filters:
            raise
        return [], b"{}\n"  # the filters let nothing through, so the registry is not shown either
    except CallerError as exc:
        if exc.code != "bad_inline":
            raise
        raise NotFound(
            f"the model of this registry has no {' and no '.join(kind.inline)}", subject="/model"
        ) from exc
    return list(entities(object_of(answer), kind)), answer.body


def entities(registry: Mapping[str, Any], kind: Kind) -> Iterator[Entity]:
    """The entities of a kind in a registry's JSON."""
    for place in kind.places:
        for group in _values(registry, place[0]):
            if len(place) == 1:
                yield group
            else:
                yield from _values(group, place[1])


async def find_one(registry: RegistryClient, kind: Kind, name: str, *, group: str | None) -> Entity:
    """The one entity of a name (its id), or at an xid.

    Raises:
        NotFound: there is none; says which names are near.
        Ambiguous: several groups have one of that name.
    """
    if name.startswith("/"):
        return object_of(await registry.get(metadata_path(name)))
    found = [one for one in await _named(registry, kind, name) if _in_group(one, group)]
    if len(found) > 1:
        xids = ", ".join(str(one.get("xid")) for one in found)
        raise Ambiguous(f"{kind.name} {name!r}: there are several: {xids}; name one by its xid")
    if found:
        return found[0]
    where = f" in the group {group!r}" if group else ""
    raise NotFound(
        f"{kind.name} {name!r}: there is none{where}{await _near(registry, kind, name)}",
        subject=name,
    )


def metadata_path(xid: str) -> str:
    """Where an entity's metadata is: of a resource or a version, which may be a document, aside.

    "/schemagroups/shop/schemas/order" -> "/schemagroups/shop/schemas/order$details"
    """
    parts = xid.strip("/").removesuffix("$details").split("/")
    of_document = len(parts) in (4, 6)
    return joined(*parts) + ("$details" if of_document else "")


def group_of(entity: Mapping[str, Any]) -> str:
    """The id of the group that an entity stands in: "/messagegroups/shop/messages/x" -> "shop"."""
    parts = str(entity.get("xid", "")).split("/")
    return parts[2] if len(parts) > 2 else ""


def id_of(entity: Mapping[str, Any]) -> str:
    """The last id of its xid."""
    return str(entity.get("xid", "")).rpartition("/")[2]


def escaped(text: str) -> str:
    """The text as a filter's value: "*" would stand for anything.

    Raises:
        click.UsageError: it holds a comma, which a filter cannot say (core/spec.md "Filter Flag").
    """
    if "," in text:
        raise click.UsageError(f"{text!r}: a filter's value cannot hold a comma")
    return text.replace("\\", "\\\\").replace("*", "\\*")


async def _named(registry: RegistryClient, kind: Kind, name: str) -> list[Entity]:
    wanted = escaped(name)
    filters = [f"{'.'.join(one)}.{_singular(one[-1])}id={wanted}" for one in kind.places]
    found, _ = await ask(registry, kind, filters)
    # Filters compare without regard to case, ids do not.
    return [one for one in found if id_of(one) == name]


async def _near(registry: RegistryClient, kind: Kind, name: str) -> str:
    from chappe.kit.near import suggested

    found, _ = await ask(registry, kind, ())
    return suggested(name, [id_of(one) for one in found])


def _in_group(entity: Mapping[str, Any], group: str | None) -> bool:
    return group is None or group_of(entity) == group


def _label(text: str) -> str:
    name, equals, value = text.partition("=")
    if not name:
        raise click.UsageError(f"--label {text!r} is not NAME or NAME=VALUE")
    path = f"labels.{name}" if _PLAIN_KEY.fullmatch(name) else f"labels['{name}']"
    return f"{path}={escaped(value)}" if equals else path


def _singular(plural: str) -> str:
    return plural.removesuffix("s")


def _values(entity: Mapping[str, Any], name: str) -> Iterator[Entity]:
    collection = entity.get(name)
    if isinstance(collection, dict):
        yield from (one for one in collection.values() if isinstance(one, dict))
