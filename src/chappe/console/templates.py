"""From a page to HTML: Jinja2 with everything escaped, and nothing that is missing passed over."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from chappe.console import shown, static_files
from chappe.console.links import segment, with_query
from chappe.domain.errors import NotFound
from chappe.kit.share import percent

if TYPE_CHECKING:
    from jinja2 import Environment


@cache
def environment() -> Environment:
    """The templates of the package."""
    # Loaded with the first page, not with every hub.
    from jinja2 import Environment, PackageLoader, StrictUndefined

    env = Environment(
        loader=PackageLoader("chappe.console", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    env.filters |= {"segment": segment, "middle": shown.middle, "number": shown.number}
    env.filters |= {"shell": shlex.quote, "rate": shown.rate}
    env.filters |= {"size": shown.size, "span": shown.span, "percent": percent}
    env.globals |= {"with_query": with_query, "static": _static}
    return env


def render(
    template: str, values: Mapping[str, Any], *, root: str, now: datetime, part: str | None = None
) -> bytes:
    """A template, or one of its blocks alone.

    In all of them `root` is the way to /console/, `now` the time, and `m` the macros.

    Raises:
        NotFound: the template has no block of that name.
    """
    env = environment()
    about: dict[str, Any] = {"root": root, "now": now, "ago": lambda at: shown.ago(at, now)}
    about["m"] = env.get_template("_macros.html").make_module(about)
    found = env.get_template(template)
    if part is None:
        return found.render(about | dict(values)).encode("utf-8", "replace")
    block = found.blocks.get(part)
    if block is None:
        raise NotFound(f"part: {part[:80]!r} is none of {', '.join(sorted(found.blocks))}")
    context = found.new_context(about | dict(values))
    return "".join(block(context)).encode("utf-8", "replace")


def _static(source: str) -> str:
    """The path of a static file below /console/."""
    return f"static/{static_files.by_source()[source].name}"
