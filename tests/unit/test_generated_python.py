"""Generated Python declares models and does nothing else, whatever the schema said."""

from __future__ import annotations

import pytest

from chappe.cli.generate.generated_python import check_generated
from chappe.domain.errors import CallerError

MODELS = """
from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal, NotRequired, TypedDict

from msgspec import UNSET, Meta, Struct, UnsetType, field
from pydantic import BaseModel, ConfigDict, Field, RootModel, conint
from pydantic.dataclasses import dataclass


class Status(StrEnum):
    open = 'open'
    import_os = "'); import os"


class Line(BaseModel):
    '''Text with "quotes" and __import__('os').'''

    model_config = ConfigDict(extra='allow', populate_by_name=True)
    sku: Annotated[str, Field(pattern='^a+$', examples=['eval("1")'])]
    kind: Literal['a b', '1 + 1'] = 'a b'
    depth: conint(ge=-1) | None = None
    lines: list[Line] = Field(default_factory=lambda: [Line.model_validate(v) for v in [{'x': 1}]])


class Root(RootModel[list['Line']]):
    root: list[Line]


@dataclass(frozen=True)
class Plain:
    total: float | UnsetType = UNSET


class Packed(Struct, kw_only=True):
    x_y: Annotated[str, Meta(max_length=3)] = field(name='x-y')


Typed = TypedDict('Typed', {'x-y': NotRequired[str], 'z': 'Line | None'})
Names = list['Line'] | None

Line.model_rebuild()
"""


def test_models_are_let_through() -> None:
    check_generated(MODELS)


@pytest.mark.parametrize(
    "line",
    [
        "import os",
        "from os import system",
        "from os.path import Foo",
        "from . import x",
        "from typing import *",
        "from pydantic import ImportString",
        "from typing import ForwardRef",
        "print(1)",
        "__import__('os').system('id')",
        "x = open('/etc/passwd')",
        "x = eval('1')",
        "x = (lambda: exit())()",
        "x = Line.model_validate.__globals__",
        "x = [exit() for _ in [1]]",
        "def f(): ...",
        "for x in [1]: pass",
        "with x: pass",
        "if True: pass",
        "del x",
        "x: exec('1') = 1",
        "x: list['__import__(\"os\")'] = []",
        "Names = list['print(1)']",
        "Typed = TypedDict('Typed', {'x': 'print(1)'})",
        "class A(RootModel['print(1)']): pass",
        "class A(BaseModel):\n    x = print(1)",
        "class A(BaseModel):\n    def f(self): ...",
        "class A(metaclass=print('x')): pass",
        "@print\nclass A: pass",
        "@dataclass(x=print())\nclass A: pass",
        "x = f'{print(1)}'",
        "x = 1 if print() else 2",
        "__builtins__ = 1",
        "x.y = 1",
        "x = (y := 1)",
        "x = (yield)",
        "assert print()",
        "'",
        "(" * 300,
        "\0",
    ],
)
def test_what_does_something_is_refused(line: str) -> None:
    with pytest.raises(CallerError, match="the generated Python"):
        check_generated(f"{MODELS}\n{line}\n")
