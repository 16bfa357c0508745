"""References into the registry: `xid`, `xidtype` and `target` (core/spec.md, core/model.md)."""

from __future__ import annotations

from chappe.registry.model import Model
from chappe.registry.values import ID, Fault


def xid_type(text: str, model: Model) -> str:
    """The type of the entity that an xid names: "/", "/dirs", "/dirs/files", "/dirs/files/meta" or
    "/dirs/files/versions" (core/spec.md "`xid` Attribute").

    The entity need not exist; its types must.

    Raises:
        Fault: it is no xid, or names an unknown type.
    """
    if text == "/":
        return "/"
    if not text.startswith("/"):
        raise Fault(f'value ({text}) isn\'t a valid xid, must start with "/"')
    parts = text.split("/")[1:]
    ids = parts[1:4:2]
    if len(parts) == 5 and parts[4] == "meta":
        below = "/meta"
    elif len(parts) == 6 and parts[4] == "versions":
        below = "/versions"
        ids.append(parts[5])
    elif len(parts) in (2, 4):
        below = ""
    else:
        raise Fault(
            f"value ({text}) isn't a valid xid, it must be of the form "
            "/[GROUPS/gid[/RESOURCES/rid[/meta | /versions/vid]]]"
        )
    _known(text, parts[0], parts[2] if len(parts) > 2 else None, model)
    for id in ids:
        if not ID.fullmatch(id):
            raise Fault(f"value ({text}) isn't a valid xid, {id!r} is no valid id")
    return "/" + "/".join(parts[0:3:2]) + below


def xidtype(text: str, model: Model) -> str:
    """A type's reference: "/", "/dirs", "/dirs/files" or "/dirs/files/versions".

    Raises:
        Fault: it is none, or names an unknown type.
    """
    if text == "/":
        return text
    if not text.startswith("/"):
        raise Fault(f'value ({text}) isn\'t a valid xidtype, must start with "/"')
    parts = text.split("/")[1:]
    if len(parts) > 3 or (len(parts) == 3 and parts[2] != "versions"):
        raise Fault(
            f"value ({text}) isn't a valid xidtype, it must be of the form "
            "/[GROUPS[/RESOURCES[/versions]]]"
        )
    _known(text, parts[0], parts[1] if len(parts) > 1 else None, model)
    return text


def _known(text: str, groups: str, resources: str | None, model: Model) -> None:
    group = model.groups.get(groups)
    if group is None:
        raise Fault(f'value ({text}) references an unknown Group type "{groups}"')
    if resources is not None and resources not in group.resources:
        raise Fault(f'value ({text}) references an unknown Resource type "{resources}"')


def matches(type: str, target: str) -> bool:
    """Whether an entity's type (see `xid_type`) is what a `target` allows."""
    if target.endswith("[/versions]"):
        base = target.removesuffix("[/versions]")
        return type in (base, f"{base}/versions")
    return type == target
