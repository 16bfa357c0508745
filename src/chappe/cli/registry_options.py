"""Options that the commands of the registry share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from chappe.cli.session import REGISTRY_OUTPUTS, printing

T = TypeVar("T")

registry_printing = printing(*REGISTRY_OUTPUTS)

group_option = click.option("--group", help="Only in the group of this id.")
_labels = click.option(
    "--label",
    "labels",
    multiple=True,
    metavar="NAME[=VALUE]",
    help="Only with this label; more than once: all of them.",
)
_filters = click.option(
    "--filter",
    "filters",
    multiple=True,
    metavar="EXPRESSION",
    help="A filter of xRegistry, such as name=*paid*,epoch>1; more than once: any of them.",
)


def narrowed(command: Callable[..., T]) -> Callable[..., Any]:
    """--group, --label and --filter."""
    return group_option(labelled(command))


def labelled(command: Callable[..., T]) -> Callable[..., Any]:
    """--label and --filter."""
    return _labels(_filters(command))
