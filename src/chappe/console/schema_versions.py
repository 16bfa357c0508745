"""The versions of a schema, and what the hub says of one of them beside another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from chappe.client.problems import error_of
from chappe.client.registry import joined
from chappe.client.views import Judgement
from chappe.console.page import Visit
from chappe.console.shown import moment

RULES: Final = (
    "backward", "forward", "full", "backward_transitive", "forward_transitive", "full_transitive",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Version:
    """One version; `ancestor` is the one that it was made of."""

    id: str
    createdat: str
    default: bool
    ancestor: str


def versions_of(found: Mapping[str, Any]) -> list[Version]:
    """The newest first; `found` are the versions as the registry has them."""
    listed = [
        Version(
            id_,
            str(one.get("createdat", "")),
            one.get("isdefault") is True,
            str(one.get("ancestorid", "")),
        )
        for id_, one in found.items()
    ]
    # Later ones stand later among those of the same time.
    made = sorted(listed, key=lambda one: moment(one.createdat) or datetime.min.replace(tzinfo=UTC))
    return made[::-1]


def version_path(above: str, version: str) -> str:
    """Where a version of the schema at `above` stands."""
    return f"{above}/versions/{joined(version)[1:]}"


async def judged(
    visit: Visit, older: str, document: bytes, *, last: int, type_: str = ""
) -> Judgement:
    """May the version at the path `older` become the document? `last` stored events give evidence.

    They are of `type_`, or of the types whose payloads are checked by the schema.

    Raises:
        CallerError: the hub cannot compare the two, and says why.
    """
    query = urlencode({"against": older, "last": last, **({"type": type_} if type_ else {})})
    headers = {"accept": "application/json", "content-type": "application/octet-stream"}
    answer = await visit.hub.exchange("POST", f"/validate/schema?{query}", document, headers)
    if answer.status >= 300:
        raise error_of(answer)
    return msgspec.json.decode(answer.body, type=Judgement)
