"""What the hooks find in one file: a schema, registry documents, or events."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import click

from chappe.cli.event_input import Batch, read
from chappe.cli.report_formats import Checked, Finding
from chappe.domain.errors import CallerError, ChappeError, Malformed
from chappe.formats import cloudevents_json
from chappe.formats.languages import Languages
from chappe.formats.schema_language import Difference, Schema

_ENDINGS: Final = {".avsc": "Avro", ".xsd": "XSD/1.0", ".proto": "Protobuf/3"}
_JSON_SCHEMA: Final = re.compile(rb'"\$schema"\s*:\s*"https?://json-schema\.org/')
_PROTO_3: Final = re.compile(rb'^\s*syntax\s*=\s*["\']proto3["\']', re.M)
_GIT_S: Final = 30.0
_LINE: Final = re.compile(r"\bline (\d+)")


def lint_file(file: str, languages: Languages) -> Checked:
    """Whether a file is the schema or the registry document that it is meant to be."""
    document = Path(file).read_bytes()
    try:
        format_ = _format_of(file, document)
        if format_ is None:
            return Checked(file, list(_registry(file, languages)))
        languages.parse(document, format_)
    except Malformed as exc:
        return Checked(file, [_told(file, "invalid-schema", exc.message)])
    except click.UsageError as exc:
        message = exc.format_message().removeprefix(f"{file}: ")
        return Checked(file, [_told(file, "invalid-document", message)])
    return Checked(file)


def compare_file(file: str, base: str, rule: str, languages: Languages) -> Checked:
    """Whether a schema fits the one that git has of it at `base`.

    Raises:
        click.UsageError: the file is in no repository, `base` is no commit, or what git has is no schema.
    """
    document = Path(file).read_bytes()
    try:
        format_ = _format_of(file, document) or "JsonSchema/draft-07"
        new = languages.parse(document, format_)
    except Malformed as exc:
        return Checked(file, [_told(file, "invalid-schema", exc.message)])
    before = _at(base, file)
    if before is None:
        return Checked(file)
    try:
        old = languages.parse(before, _format_of(file, before) or "JsonSchema/draft-07")
    except Malformed as exc:
        raise click.UsageError(f"{file} at {base} is no schema: {exc.message}") from exc
    return Checked(file, list(_differences(file, rule, new, old, languages)))


def validate_file(file: str, schemas: str | None, languages: Languages) -> Checked:
    """Whether the events in a file are valid, and their payloads fit the schemas of a directory."""
    try:
        events = list(_events(file))
    except click.UsageError as exc:
        return Checked(file, [_told(file, "invalid-event", exc.format_message())])
    found: list[Finding] = []
    for line, body in events:
        try:
            event = cloudevents_json.decode(body)
        except CallerError as exc:
            found.append(Finding("invalid-event", exc.message, file, line))
            continue
        schema = _schema_for(event.type, schemas, languages)
        violations = schema.check(event.data, event.datacontenttype) if schema else ()
        found += [
            Finding(one.rule, f"{event.source}#{event.id}: {one.message}", file, line, one.pointer)
            for one in violations
        ]
    return Checked(file, found)


def _format_of(file: str, document: bytes) -> str | None:
    """The format of a schema; None where the file is none by its name."""
    path = Path(file)
    if path.suffix == ".proto":
        return "Protobuf/3" if _PROTO_3.search(document) else "Protobuf/2"
    if path.suffix in _ENDINGS:
        return _ENDINGS[path.suffix]
    if path.suffix == ".json" and (
        path.name.endswith(".schema.json") or _JSON_SCHEMA.search(document)
    ):
        from chappe.formats.json_language import format_of

        return format_of(document)
    return None


def _registry(file: str, languages: Languages) -> Iterator[Finding]:
    from chappe.cli.registry_files import read_documents
    from chappe.cli.registry_tree import BadDocument, Registry, Shape, read_into
    from chappe.registry.hub_model import hub_model

    shape = Shape.of_model(hub_model())
    for document in read_documents([file]):
        # Together with models that it brings along, as `chappe apply` reads it.
        brought = document.body.get("modelsource")
        wider = Shape.of_model(hub_model(), brought) if isinstance(brought, dict) else shape
        tree = Registry()
        try:
            read_into(tree, document.body, wider)
        except BadDocument as exc:
            yield Finding("invalid-document", str(exc), file)
            continue
        for plural, gid, group in tree.each_group():
            for resources, held in group.resources.items():
                for rid, resource in held.items():
                    for version in resource.versions.values():
                        xid = f"/{plural}/{gid}/{resources}/{rid}"
                        yield from _embedded(file, xid, version, languages)


def _embedded(
    file: str, xid: str, attributes: dict[str, Any], languages: Languages
) -> Iterator[Finding]:
    for name, format_name in (("dataschema", "dataschemaformat"), ("schema", "format")):
        schema, format_ = attributes.get(name), attributes.get(format_name)
        if schema is None or not isinstance(format_, str) or not languages.known(format_):
            continue
        from chappe.client.registry import encoded

        document = schema.encode() if isinstance(schema, str) else encoded(schema)
        fault = languages.fault(format_, document)
        if fault is not None:
            yield Finding("invalid-schema", fault, file, where=f"{xid}/{name}")


def _differences(
    file: str, rule: str, new: Schema, old: Schema, languages: Languages
) -> Iterator[Finding]:
    directions: Sequence[tuple[str, Schema, Schema]] = (
        ("backward", new, old),
        ("forward", old, new),
    )
    for direction, reader, writer in directions:
        if rule in (direction, "full"):
            for one in languages.compare(reader, writer):
                yield _difference(file, direction, one)


def _difference(file: str, direction: str, one: Difference) -> Finding:
    return Finding(one.code, f"{one.message} [{direction}]", file, where=one.path, fix=one.fix)


def _at(base: str, file: str) -> bytes | None:
    """What git has of a file at a commit; None where it was not there."""
    path = Path(file).resolve()
    known = _git(path.parent, "rev-parse", "--verify", "--quiet", f"{base}^{{commit}}")
    if known.returncode != 0:
        inside = _git(path.parent, "rev-parse", "--git-dir")
        if inside.returncode != 0:
            raise click.UsageError(f"{file}: is in no git repository")
        if base == "HEAD":
            return None  # a repository without a commit
        raise click.UsageError(f"--from: {base!r} is no commit")
    shown = _git(path.parent, "show", f"{base}:./{path.name}")
    return shown.stdout if shown.returncode == 0 else None


def _git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(  # noqa: S603 - its arguments are no shell's
            ["git", *arguments],  # noqa: S607 - the user's own git
            cwd=folder,
            capture_output=True,
            timeout=_GIT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise click.UsageError(f"git cannot be asked: {exc}") from exc


def _events(file: str) -> Iterator[tuple[int | None, bytes]]:
    for item in read(file):
        if isinstance(item, Batch):
            yield from ((None, one) for one in item.events)
        else:
            yield item.line, item.event


def _schema_for(type_: str, schemas: str | None, languages: Languages) -> Schema | None:
    """The schema of a type in the directory.

    Raises:
        click.UsageError: what stands there is no schema.
    """
    if schemas is None or "/" in type_ or type_ in (".", ".."):
        return None
    for ending in (".schema.json", ".json", *_ENDINGS):
        path = Path(schemas) / f"{type_}{ending}"
        if path.is_file():
            document = path.read_bytes()
            try:
                format_ = _format_of(str(path), document) or "JsonSchema/draft-07"
                return languages.parse(document, format_)
            except ChappeError as exc:
                raise click.UsageError(f"{path}: {exc.message}") from exc
    return None


def _told(file: str, rule: str, message: str) -> Finding:
    line = _LINE.search(message)
    return Finding(rule, message, file, int(line[1]) if line else None)
