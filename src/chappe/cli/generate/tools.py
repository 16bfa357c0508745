"""Which tool makes which language of which schemas, and how it is called.

All are called with the schema in a file, in a directory that has nothing else. None is installed or
fetched by the hub: what is not on the PATH is named with the command that installs it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final, TypeAlias

from chappe.cli.generate.running import File, run
from chappe.cli.generate.source import Family, Source
from chappe.domain.errors import NotFound

Call: TypeAlias = Callable[[Source, str, Path, Path], Sequence[str]]
"""The arguments: of a source, the name of its class, the schema's file, the directory to write to."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A program, what else it needs on the PATH, how it is called, and how one gets it."""

    program: str
    call: Call
    install: str
    needs: Sequence[str] = ()


def _quicktype(language: str, suffix: str, *more: str) -> Tool:
    def call(_: Source, class_name: str, schema: Path, out: Path) -> Sequence[str]:
        return [
            *("--src-lang", "schema", "--src", str(schema), "--lang", language),
            *("--top-level", class_name, "--out", str(out / f"{class_name}{suffix}"), *more),
        ]

    return Tool("quicktype", call, "npm install -g quicktype")


def _protoc(option: str, *more: str, plugin: str = "", install: str = "") -> Tool:
    def call(source: Source, _: str, schema: Path, out: Path) -> Sequence[str]:
        placed = [one.format(file=schema.name, name=source.module_name) for one in more]
        return [f"-I{schema.parent}", f"--{option}_out={out}", *placed, schema.name]

    return Tool(
        "protoc",
        call,
        install or "install protoc: https://protobuf.dev/installation/",
        (plugin,) if plugin else (),
    )


def _avrogen(source: Source, _: str, schema: Path, out: Path) -> Sequence[str]:
    package = source.module_name
    return ["-pkg", package, "-o", str(out / f"{package}.go"), str(schema)]


def _avro_tools(_: Source, __: str, schema: Path, out: Path) -> Sequence[str]:
    return ["compile", "-string", "schema", str(schema), str(out)]


TOOLS: Final[Mapping[Family, Mapping[str, Tool]]] = MappingProxyType(
    {
        "JSON Schema": {
            "cpp": _quicktype("c++", ".hpp"),
            "csharp": _quicktype("cs", ".cs"),
            "dart": _quicktype("dart", ".dart"),
            "go": _quicktype("go", ".go"),
            "java": _quicktype("java", ".java"),
            "javascript": _quicktype("js", ".js"),
            "kotlin": _quicktype("kotlin", ".kt"),
            "php": _quicktype("php", ".php"),
            "ruby": _quicktype("ruby", ".rb"),
            "rust": _quicktype("rs", ".rs"),
            "swift": _quicktype("swift", ".swift"),
            "typescript": _quicktype("ts", ".ts"),
        },
        "Avro": {
            "go": Tool(
                "avrogen", _avrogen, "go install github.com/hamba/avro/v2/cmd/avrogen@latest"
            ),
            "java": Tool(
                "avro-tools", _avro_tools, "install avro-tools: https://avro.apache.org/download/"
            ),
        },
        "Protobuf": {
            "cpp": _protoc("cpp"),
            "csharp": _protoc("csharp"),
            "go": _protoc(
                "go",
                "--go_opt=M{file}=./{name}",
                plugin="protoc-gen-go",
                install="go install google.golang.org/protobuf/cmd/protoc-gen-go@latest",
            ),
            "java": _protoc("java"),
            "kotlin": _protoc("kotlin"),
            "php": _protoc("php"),
            "ruby": _protoc("ruby"),
        },
        "XSD": {},
    }
)
_SUFFIXES: Final[Mapping[Family, str]] = MappingProxyType(
    {"JSON Schema": ".json", "Avro": ".avsc", "Protobuf": ".proto", "XSD": ".xsd"}
)


def by_tool(source: Source, tool: Tool, class_name: str) -> list[File]:
    """The files that a tool makes.

    Raises:
        NotFound: it is not on the PATH; says how to get it.
        CallerError: it failed.
    """
    for program in (tool.program, *tool.needs):
        if shutil.which(program) is None:
            raise NotFound(f"{program}: is not on the PATH", next=tool.install)
    path = shutil.which(tool.program)
    assert path is not None

    def arguments(schema: Path, out: Path) -> Sequence[str]:
        return [path, *tool.call(source, class_name, schema, out)]

    name = f"{source.module_name}{_SUFFIXES[source.family]}"
    return run(tool.program, arguments, name=name, document=source.document)
