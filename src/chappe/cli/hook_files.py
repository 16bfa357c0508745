"""What the hooks find in one file: a schema, registry documents, or events."""

from __future__ import annotations

import functools
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from chappe.cli.event_subjects import findings, invalid, subjects_of, unreadable
from chappe.cli.report_formats import Checked, Finding
from chappe.client.views import Judged, Warned
from chappe.domain.errors import CallerError, ChappeError, Malformed
from chappe.formats import cloudevents_json
from chappe.formats.languages import Languages
from chappe.formats.schema_language import Difference, Schema

if TYPE_CHECKING:
    from chappe.cli.hook_registry import Embedded

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
    if _is_registry(file, document):
        return _compare_registry(file, base, rule, document, languages)
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
    found: list[Finding] = []
    for subject in subjects_of([file]):
        if subject.unreadable is not None:
            found += findings(subject, unreadable(subject.unreadable), "")
            continue
        try:
            event = cloudevents_json.decode(subject.body)
        except CallerError as exc:
            found += findings(subject, invalid(exc), "")
            continue
        schema = _schema_for(event.type, schemas, languages)
        violations = schema.check(event.data, event.datacontenttype) if schema else ()
        broken = [
            Warned(pointer=one.pointer, rule=one.rule, value=one.value, message=one.message)
            for one in violations
        ]
        verdict = Judged(valid=not broken, type=event.type, errors=broken)
        named = replace(subject, name=f"{event.source}#{event.id}")
        found += findings(named, verdict, "")
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


def _is_registry(file: str, document: bytes) -> bool:
    # A JSON file that says nothing of itself is taken for a schema.
    return Path(file).suffix in (".yaml", ".yml") or (
        _format_of(file, document) is None and b'"messagegroups"' in document
    )


def _registry(file: str, languages: Languages) -> Iterator[Finding]:
    from chappe.cli.hook_registry import misspelt, read_registry, schemas_in
    from chappe.cli.registry_files import read_documents
    from chappe.cli.registry_tree import BadDocument

    for document in read_documents([file]):
        try:
            tree = read_registry(document)
        except BadDocument as exc:
            yield Finding("invalid-document", str(exc), file)
            continue
        for xid, name, known in misspelt(tree):
            said = f"has an attribute {name!r}; did you mean {known!r}?"
            yield Finding("misspelt-attribute", said, file, where=xid)
        for one in schemas_in(tree):
            if languages.known(one.format):
                fault = languages.fault(one.format, one.document)
                if fault is not None:
                    yield Finding("invalid-schema", fault, file, where=one.xid)


def _compare_registry(
    file: str, base: str, rule: str, document: bytes, languages: Languages
) -> Checked:
    """Whether the schemas in a registry file fit those that git has in it."""
    from chappe.cli.hook_registry import schemas_of_documents
    from chappe.cli.registry_files import documents_in

    before = _at(base, file)
    if before is None:
        return Checked(file)
    try:
        new = schemas_of_documents(list(documents_in(file, document.decode("utf-8-sig"))))
    except (click.UsageError, UnicodeDecodeError) as exc:
        return Checked(file, [_told(file, "invalid-document", str(exc))])
    old = schemas_of_documents(list(documents_in(file, before.decode("utf-8-sig", "replace"))))
    found: list[Finding] = []
    for xid in new.keys() & old.keys():
        one, earlier = new[xid], old[xid]
        if languages.known(one.format) and languages.known(earlier.format):
            try:
                reader = languages.parse(one.document, one.format)
                writer = languages.parse(earlier.document, earlier.format)
            except Malformed as exc:
                found.append(Finding("invalid-schema", exc.message, file, where=xid))
                continue
            differences = _differences(file, rule, reader, writer, languages)
            found += [replace(told, where=f"{xid}{told.where}") for told in differences]
    return Checked(file, sorted(found, key=lambda told: told.where or ""))


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
            return schema_of(str(path), languages)
    declared = _types_below(schemas).get(type_)
    if declared is None or not languages.known(declared.format):
        return None
    try:
        return languages.parse(declared.document, declared.format)
    except ChappeError as exc:
        raise click.UsageError(f"{declared.xid}: {exc.message}") from exc


@functools.cache
def _types_below(folder: str) -> Mapping[str, Embedded]:
    from chappe.cli.hook_registry import types_below

    return types_below(folder)


def schema_of(file: str, languages: Languages) -> Schema:
    """The schema in a file; where nothing says its language, it is a JSON Schema.

    Raises:
        click.UsageError: it is none.
    """
    document = Path(file).read_bytes()
    try:
        format_ = _format_of(file, document) or "JsonSchema/draft-07"
        return languages.parse(document, format_)
    except ChappeError as exc:
        raise click.UsageError(f"{file}: {exc.message}") from exc


def _told(file: str, rule: str, message: str) -> Finding:
    line = _LINE.search(message)
    return Finding(rule, message, file, int(line[1]) if line else None)
