"""Whether a schema may follow those of its subject, by the subject's compatibility level."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

from chappe.formats.confluent.contracts import Metadata
from chappe.formats.confluent.errors import InvalidSchema, version_not_found
from chappe.formats.confluent.index import Entry, Index
from chappe.formats.confluent.looking import LATEST, content_of, read, version_in
from chappe.formats.confluent.names import Name
from chappe.formats.confluent.parsing import Parser, Resolved, resolve_entry
from chappe.formats.confluent.requests import SchemaRequest
from chappe.formats.confluent.reserved import check_names, reserved_faults
from chappe.formats.confluent.scope import config_in_scope
from chappe.formats.confluent.settings import DEFAULT_LEVEL, LEVELS, Config
from chappe.formats.confluent.texts import AVRO
from chappe.formats.schema_language import Difference, Policy

MOST_SHOWN: Final = 10 * 1024
_OTHER_TYPE: Final = "Incompatible because of different schema type"


def incompatibilities(
    index: Index, parser: Parser, config: Config, sent: Resolved, previous: Sequence[Entry]
) -> list[str]:
    """Why a schema may not follow `previous`, the oldest first; empty when it may."""
    faults: list[str] = []
    if config.validate_fields:
        faults += reserved_faults(parser, sent, previous[-1] if previous else None)
    level = config.level or DEFAULT_LEVEL
    policy = cast(Policy, config.policy or "STRICT")
    if config.group is not None:
        mine = _group(sent.content.metadata, config.group)
        previous = [one for one in previous if _group(one.metadata, config.group) == mine]
    if level != "NONE":
        newest_first = list(reversed(previous))
        for one in newest_first if level.endswith("_TRANSITIVE") else newest_first[:1]:
            found = _between(index, parser, sent, one, level.removesuffix("_TRANSITIVE"), policy)
            if found:
                faults += found
                break
    if faults:
        validates = "true" if config.validate_fields else "false"
        faults.append(f"{{validateFields: '{validates}', compatibility: '{level}'}}")
    return faults


def breaks_rule(
    index: Index,
    parser: Parser,
    rule: str | None,
    sent: Resolved,
    number: int,
    versions: Sequence[Entry],
) -> list[str]:
    """What of the registry's own rule for a schema ("backward", …) its version `number` would break.

    Empty where nothing refers to others: the registry's engine looks at those documents itself.
    """
    level = (rule or "NONE").upper()
    if level not in LEVELS or level == "NONE":
        return []
    if not sent.content.references and not any(one.references for one in versions):
        return []
    earlier = [one for one in reversed(versions) if one.version < number]
    later = [one for one in versions if one.version > number]
    if not level.endswith("_TRANSITIVE"):
        earlier, later = earlier[:1], later[:1]
    level = level.removesuffix("_TRANSITIVE")
    faults: list[str] = []
    for one in (*earlier, *later):
        if one.type != sent.content.type:
            return [_OTHER_TYPE]
        try:
            other = resolve_entry(index, one)
            old, new = (other, sent) if one.version < number else (sent, other)
            faults += _faults(parser, old, new, level, "STRICT")
        except InvalidSchema as error:
            faults.append(_unreadable(one, error))
    return [*faults, f"{{compatibility: '{rule}'}}"] if faults else []


def check(
    index: Index,
    parser: Parser,
    name: Name,
    request: SchemaRequest,
    *,
    version: int | None,
    normalize: bool,
    verbose: bool,
) -> list[str]:
    """Why a schema may not be registered, compared with one version or (None) as registering would.

    Raises:
        Refused: there is no such version; InvalidSchema, unless the answer is to be verbose.
    """
    subject = index.subject(name)
    if version is None:
        previous: Sequence[Entry] = () if subject is None else subject.active
    else:
        found = version_in(index, name, version, deleted=False)
        if found is None and version != LATEST:
            raise version_not_found(version)
        previous = () if found is None else (found,)
    config = config_in_scope(index, name)
    try:
        content = content_of(request)
        if not content.text.strip():
            raise InvalidSchema("Empty schema")
        strict = config.validate_new_schemas is not False
        sent = read(
            index,
            parser,
            name,
            content,
            strict=strict,
            normalize=normalize or bool(config.normalize),
            deleted=not strict,
        )
        if config.validate_fields:
            check_names(sent.content)
        return incompatibilities(index, parser, config, sent, previous)
    except InvalidSchema as error:
        if verbose:
            return [error.message]
        raise


def java_list(texts: Sequence[str]) -> str:
    """Several texts in one: "[a, b]"."""
    return f"[{', '.join(texts)}]"


def _between(
    index: Index, parser: Parser, sent: Resolved, entry: Entry, level: str, policy: Policy
) -> list[str]:
    if sent.content.type != entry.type:
        return [_OTHER_TYPE]
    try:
        faults = _faults(parser, resolve_entry(index, entry), sent, level, policy)
    except InvalidSchema as error:
        return [_unreadable(entry, error)]
    if faults:
        faults.append(f"{{oldSchemaVersion: {entry.version}}}")
        text = entry.content.text
        if len(text) > MOST_SHOWN:
            faults.append(f"{{oldSchema: <truncated> '{text[:MOST_SHOWN]}...'}}")
        else:
            faults.append(f"{{oldSchema: '{text}'}}")
    return faults


def _faults(parser: Parser, old: Resolved, new: Resolved, level: str, policy: Policy) -> list[str]:
    faults: list[str] = []
    if level in ("FORWARD", "FULL"):
        found = parser.backward(old, new, policy)
        faults += (_shown(new.content.type, one, forward=True) for one in found)
    if level in ("BACKWARD", "FULL"):
        found = parser.backward(new, old, policy)
        faults += (_shown(new.content.type, one, forward=False) for one in found)
    return faults


def _unreadable(entry: Entry, error: InvalidSchema) -> str:
    return f"the registered version {entry.version} cannot be read: {error.message}"


def _shown(type: str, one: Difference, *, forward: bool) -> str:
    reader, writer = ("old", "new") if forward else ("new", "old")
    if type == AVRO:
        from chappe.formats.avro.differences import confluent_text

        return confluent_text(one, reader=reader, writer=writer)
    info = one.info or one.fix
    return f"{{errorType:'{one.code}', description:'{one.message}', additionalInfo:'{info}'}}"


def _group(metadata: Metadata | None, group: str) -> str | None:
    return None if metadata is None else metadata.properties.get(group)
