"""A registry as a hub begins with it, and writes to it by path: for tests."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, Literal

from chappe.domain.channel import Channel
from chappe.flows.describe import description, differing
from chappe.formats.languages import json_alone
from chappe.registry.capabilities import NO_FORMATS, Offer, initial
from chappe.registry.entity import Tree
from chappe.registry.flags import Flags
from chappe.registry.hub_model import hub_model
from chappe.registry.paths import parse_path
from chappe.registry.request import ABSENT, Rules, Write, Written
from chappe.registry.state import own_channels
from chappe.registry.target import Level, Target
from chappe.registry.write import empty_tree, write
from chappe.registry.writing import Decide

BEGAN: Final = "2023-11-14T22:13:20Z"


def hub_tree(
    channels: Iterable[Channel] = (),
    *,
    shards: int = 1,
    now: str = BEGAN,
    offer: Offer = NO_FORMATS,
) -> Tree:
    """The hub's model, its own channels and `channels`, and its description of itself."""
    tree = empty_tree("test", now, hub_model(), capabilities=initial(offer))
    wanted = description("http://hub", (*own_channels(shards).values(), *channels), None, "0")
    body = differing(tree, wanted)
    request = Write("POST", Target(Level.REGISTRY), body, Flags(), now, "/")
    return write(tree, request, Rules(json_alone())).tree


def writing(
    method: Literal["PUT", "PATCH", "POST", "DELETE"], path: str, body: Any = ABSENT
) -> Decide[Written]:
    """A write for flows.register, such as `writing("PUT", "/channels/orders", {"shards": 2})`."""

    def decide(tree: Tree, now: str, rules: Rules) -> tuple[Written, Written]:
        target = parse_path(path.encode(), tree.model)
        written = write(tree, Write(method, target, body, Flags(), now, path), rules)
        return written, written

    return decide
