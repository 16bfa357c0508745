"""Python from schemas: models by datamodel-code-generator, messages by protoc.

The generator is an extra, `chappe[gen]`; it runs in a process that reaches nothing, and what it made
is looked through before it is handed out.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

from chappe.cli.generate.generated_python import check_generated
from chappe.cli.generate.running import File, run
from chappe.cli.generate.source import Source
from chappe.domain.errors import NotFound

GENERATOR: Final = "datamodel_code_generator"
STYLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "pydantic": "pydantic_v2.BaseModel",
        "dataclass": "dataclasses.dataclass",
        "typeddict": "typing.TypedDict",
        "msgspec": "msgspec.Struct",
    }
)
_INPUTS: Final = {
    "JSON Schema": ("jsonschema", ".json"),
    "Avro": ("avro", ".avsc"),
    "XSD": ("xmlschema", ".xsd"),
}
_ALWAYS: Final = (
    "--disable-timestamp",
    "--formatters=builtin",
    "--ignore-pyproject",
    "--no-allow-remote-refs",
    "--strict-refs",
    "--target-python-version=3.11",
    "--use-annotated",
    "--use-schema-description",
    "--use-standard-collections",
    "--use-union-operator",
)
# The type for addresses needs a package more wherever the models are used.
_PLAIN_ADDRESSES: Final = ("--type-mappings", "email=string", "idn-email=string")

_SEALED: Final = (sys.executable, "-P", "-m", "chappe.cli.generate.sealed")
_ENV: Final = {"PYTHONUTF8": "1"}


def models(source: Source, *, style: str, class_name: str | None) -> list[File]:
    """One module of models; `class_name` is that of the whole, by default the schema's own.

    Raises:
        NotFound: the generator is not installed.
        CallerError: it cannot make anything of the schema, or made what it should not.
    """
    if importlib.util.find_spec(GENERATOR) is None:
        raise NotFound(
            "datamodel-code-generator: is not installed; it makes Python of schemas",
            next=f"{sys.executable} -m pip install 'chappe[gen]'",
        )
    kind, suffix = _INPUTS[source.family]
    module = f"{source.module_name}.py"
    named = class_name or (source.class_name if source.family == "JSON Schema" else None)

    def arguments(schema: Path, out: Path) -> Sequence[str]:
        return [
            *_SEALED,
            GENERATOR,
            *("--input", str(schema), "--input-file-type", kind, "--output", str(out / module)),
            *("--output-model-type", STYLES[style]),
            *_ALWAYS,
            *_PLAIN_ADDRESSES,
            *(("--class-name", named) if named else ()),
        ]

    name = f"{source.module_name}{suffix}"
    files = run(
        "datamodel-code-generator", arguments, name=name, document=source.document, env=_ENV
    )
    for file in files:
        check_generated(file.text)
    return files


def messages(source: Source) -> list[File]:
    """The module that reads and writes messages of a .proto file, and its types for type checkers.

    Raises:
        CallerError: it does not compile, or imports what is no well-known type.
    """

    def arguments(schema: Path, out: Path) -> Sequence[str]:
        return [
            *_SEALED,
            "grpc_tools.protoc",
            *(f"-I{folder}" for folder in (schema.parent, *_bundled())),
            *(f"--python_out={out}", f"--pyi_out={out}", schema.name),
        ]

    name = f"{source.module_name}.proto"
    return run("protoc", arguments, name=name, document=source.document, env=_ENV)


def _bundled() -> list[str]:
    """Where the .proto files are that any schema may import: google/protobuf and google/type."""
    found = importlib.util.find_spec("google.type")
    above = (
        [Path(one).parent.parent for one in found.submodule_search_locations or ()] if found else []
    )
    return [str(one) for one in above]
