"""Markdown that others wrote, as HTML that can do no harm.

Everything that may come out stands in `_ALLOWED`: no HTML of the text's own, no pictures (they would be
fetched), links to the web and to mail alone, and no attribute but a link's target. Headings go down two
levels: the page has its own above them.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

MOST: Final = 32 * 1024
"""Characters; a text is cut there."""
_MOST_NESTED: Final = 16
_LINKS: Final = ("https://", "http://", "mailto:")
_ALLOWED: Final = frozenset(
    "p br hr h3 h4 h5 h6 blockquote ul ol li pre code em strong s a table thead tbody tr th td".split()
)
_HEADINGS: Final = {"h1": "h3", "h2": "h4", "h3": "h5", "h4": "h6", "h5": "h6", "h6": "h6"}
_KEPT: Final = frozenset({"href", "rel", "start"})


def prose(text: str) -> str:
    """Safe HTML of a text in CommonMark (with tables and strikethrough)."""
    parser = _parser()
    tokens = parser.parse(text[:MOST])
    _tame(tokens)
    html: str = parser.renderer.render(tokens, parser.options, {})
    return html


@cache
def _parser() -> MarkdownIt:
    # Loaded with the first text that is shown, not with every hub.
    from markdown_it import MarkdownIt

    options = {"html": False, "linkify": False, "typographer": False, "maxNesting": _MOST_NESTED}
    parser = MarkdownIt("commonmark", options).enable(["table", "strikethrough"])
    parser.disable(["image", "html_block", "html_inline"])
    parser.validateLink = _is_harmless  # type: ignore[method-assign]
    return parser


def _is_harmless(url: str) -> bool:
    return url.strip().casefold().startswith(_LINKS)


def _tame(tokens: list[Token]) -> None:
    """Take away what is not allowed, in place."""
    for token in tokens:
        token.tag = _HEADINGS.get(token.tag, token.tag) if "heading" in token.type else token.tag
        if token.tag and token.tag not in _ALLOWED:
            # Nothing leads here by now; a rule that a later version of the library adds might.
            token.type, token.tag, token.children = "text", "", None
        token.attrs = {name: value for name, value in token.attrs.items() if name in _KEPT}
        if token.type == "link_open":
            token.attrs["rel"] = "noreferrer nofollow"
        if token.type == "fence":
            token.info = ""  # would become a class
        if token.children:
            _tame(token.children)
