"""`?dryrun` of the hub's own resources: everything is checked, nothing is written, and the answer says so."""

from __future__ import annotations

from typing import Final

from chappe.http.exchange import DRY_RUN as HEADER
from chappe.http.exchange import Header, Request

PARAMETER: Final = "dryrun"
DRY_RUN: Final[tuple[Header, ...]] = (HEADER,)
"""The headers of an answer that tells what would be."""


def is_dry_run(request: Request) -> bool:
    """Whether `?dryrun` stands in the query; what is not "false" means it, lest a write be done."""
    return request.query.get(PARAMETER, "false") != "false"
