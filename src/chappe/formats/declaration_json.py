"""The declaration of a payload schema in JSON: a message of an xRegistry message group.

{"envelope": "CloudEvents/1.0", "dataschemaformat": "JSONSchema/draft-07", "dataschema": {…},
 "validation": "enforce"}                                    -> DeclarationDraft
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import msgspec

from chappe.domain.errors import Malformed
from chappe.formats.fields import Fields, decode_json, shortened
from chappe.formats.json_schema import FORMATS, canonical_format
from chappe.registry.declaration import Declaration, Mode

ENVELOPE: Final = "CloudEvents/1.0"
_KNOWN: Final = frozenset(
    "messageid envelope envelopemetadata dataschemaformat dataschema dataschemauri validation epoch"
    " createdat modifiedat".split()
)
_GROUP = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-~:@]{0,127}")  # xRegistry core: an entity's id
_TYPE = re.compile(r"[^\x00-\x1f\x7f-\x9f\ud800-\udfff]{1,1024}")


@dataclass(frozen=True, slots=True)
class DeclarationDraft:
    """A declaration as somebody asks for it; `epoch` is None when none was sent."""

    group: str
    type: str
    format: str
    schema: bytes
    mode: Mode = "enforce"
    epoch: int | None = None


class _Schema(msgspec.Struct):
    """Keeps the schema's own text: 1.10 stays 1.10."""

    dataschema: msgspec.Raw = msgspec.Raw()


def parse_declaration(body: bytes, *, group: str, type: str) -> DeclarationDraft:
    """Read the body of a PUT to /messagegroups/{group}/messages/{type}.

    Whether the schema is one is for its language to tell (see schema_language).

    Raises:
        Malformed: a field breaks a rule; the message begins with its path.
    """
    if not _GROUP.fullmatch(group):
        raise Malformed(
            f"group: {shortened(group)} is no id; 1 to 128 of letters, digits and . _ - ~ : @"
        )
    if not _TYPE.fullmatch(type):
        raise Malformed(f"messageid: {shortened(type)} is no event type; 1 to 1024 characters")
    fields = Fields(decode_json(body, "body"), known=_KNOWN)
    for read_only in ("createdat", "modifiedat"):
        fields.text(read_only)
    messageid = fields.text("messageid")
    if messageid is not None and messageid != type:
        raise Malformed(f"messageid: {shortened(messageid)} is not that of the path, {type!r}")
    envelope = fields.text("envelope")
    if envelope is not None and envelope.lower() != ENVELOPE.lower():
        raise Malformed(f"envelope: {shortened(envelope)} is not served; served: {ENVELOPE}")
    _check_metadata(fields.raw("envelopemetadata"), type)
    if "dataschemauri" in fields:
        raise Malformed("dataschemauri: is not served; send the schema itself as dataschema")
    if "dataschema" not in fields:
        raise Malformed("dataschema: is missing and is required")
    named = fields.need_text("dataschemaformat")
    format_ = canonical_format(named)
    if format_ is None:
        raise Malformed(
            f"dataschemaformat: {shortened(named)} is unknown; known: {', '.join(FORMATS)}"
        )
    raw = msgspec.json.decode(body, type=_Schema).dataschema
    return DeclarationDraft(
        group=group,
        type=type,
        format=format_,
        schema=msgspec.json.format(bytes(raw), indent=-1),
        mode=_mode(fields),
        epoch=fields.whole("epoch", 0, least=1, most=2**53) if "epoch" in fields else None,
    )


def render_declaration(declaration: Declaration) -> dict[str, object]:
    """The object that a GET answers."""
    return {
        "messageid": declaration.type,
        "envelope": ENVELOPE,
        "envelopemetadata": {"type": {"value": declaration.type}},
        "dataschemaformat": declaration.format,
        "dataschema": msgspec.Raw(declaration.schema),
        "validation": declaration.mode,
        "epoch": declaration.epoch,
        "createdat": declaration.created_at,
        "modifiedat": declaration.modified_at,
    }


def _check_metadata(document: object, type_: str) -> None:
    """`{"type": {"value": "order.paid"}}`, if sent, says what the path says."""
    if document is None:
        return
    metadata = Fields(document, "envelopemetadata", known=frozenset({"type"}))
    if "type" not in metadata:
        return
    value = Fields(
        metadata.raw("type"), "envelopemetadata/type", known=frozenset({"value"})
    ).need_text("value")
    if value != type_:
        raise Malformed(
            f"envelopemetadata/type/value: {shortened(value)} is not that of the path, {type_!r}"
        )


def _mode(fields: Fields) -> Mode:
    match fields.text("validation"):
        case None | "enforce":
            return "enforce"
        case "warn":
            return "warn"
        case "off":
            return "off"
        case other:
            raise Malformed(f"validation: {shortened(other)} is none of off, warn, enforce")
