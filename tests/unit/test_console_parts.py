"""What pages are made of: Markdown of their HTML, prose, small pictures, shapes side by side."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from chappe.console.chart import chart
from chappe.console.markdown import markdown
from chappe.console.prose import prose
from chappe.console.schema_tree import schema_tree
from chappe.console.sparkline import spark
from chappe.console.tree_diff import tree_diff
from chappe.kit.share import percent

BASE = "http://hub/console/map"


@pytest.mark.parametrize(
    ("html", "wanted"),
    [
        ("<h1>Map</h1><p>Of <a href='types/a'>a*b</a></p>", "# Map\n\nOf [a\\*b](<http://hub/console/types/a>)\n"),
        ("<table><thead><tr><th>A</th></tr></thead><tbody><tr><td>x|<code>y|z</code></td></tr></tbody></table>", "| A |\n|---|\n| x\\|`y\\|z` |\n"),
        ("<pre><code>a\n```\nb</code></pre>", "````\na\n```\nb\n````\n"),
        ("<dl><dt>Owner</dt><dd>me</dd></dl>", "- **Owner**: me\n"),
        ("<ul><li>a<ul><li>b</li></ul></li><li><details><summary>c</summary><ul><li>d</li></ul></details></li></ul>", "- a\n  - b\n- c\n  - d\n"),
        ("<p><span aria-hidden='true'>✓</span>ok <button>copy</button><time datetime='2026-01-01T00:00:00Z'>1 s ago</time></p>", "ok 2026-01-01T00:00:00Z\n"),
        ("<p><del>old</del> <ins>new</ins></p>", "~~old~~ **new**\n"),
    ],
)  # fmt: skip
def test_html_becomes_markdown(html: str, wanted: str) -> None:
    assert markdown(html, BASE) == wanted


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: set[tuple[str, str, str]] = set()

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add((tag, "", ""))
        self.seen |= {(tag, name, value or "") for name, value in attrs}


PIECES = (
    "<script>", "<img src=x onerror=y>", "<b>", "</p>", "[a](javascript:x)", "[a](https://b.example)",
    "![i](https://b.example/p)", "<https://c.example>", "<javascript:x>", "[r]: javascript:x\n\n[r]",
    "# h", "\n\n", "\n- ", "\n1. ", "> ", "`", "```js\n", "|a|b|\n|:-|-:|\n|c|d|\n", "*", "~~", "&lt;", "\\", "text",
)  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join) | st.text(max_size=80))
def test_prose_holds_nothing_but_what_is_allowed(text: str) -> None:
    tags = _Tags()
    tags.feed(prose(text))
    allowed = set("p br hr h3 h4 h5 h6 blockquote ul ol li pre code em strong s a table".split())
    allowed |= set("thead tbody tr th td".split())
    for tag, name, value in tags.seen:
        assert tag in allowed
        assert name in ("", "href", "rel", "start")
        assert name != "href" or value.startswith(("https://", "http://", "mailto:"))


def test_a_spark_keeps_its_gaps_and_its_scale() -> None:
    found = spark([None, None, 0, 2, 4])
    assert found is not None
    assert found.line == "M50 24L75 12.5L100 1"
    assert (found.most, found.total) == (4, 6)
    assert spark(None) is None
    assert spark([None]) is None


def test_lines_of_a_chart_share_a_scale_and_are_told_as_a_table() -> None:
    at = [f"2026-01-01T00:00:{second:02}Z" for second in range(0, 60, 15)]
    found = chart("Rate", at, [("a", [1, 2, 3, 4]), ("b", [None, None, 2, None])], "{:g}".format)
    assert found is not None
    assert (found.top, [line.last for line in found.lines]) == ("4", ["4", "2"])
    assert found.rows[0] == (at[3], ["4", "none"])
    assert chart("Rate", at[:1], [("a", [1])], str) is None


def test_a_member_that_moved_is_the_same_and_one_that_went_is_told() -> None:
    def tree(*members: str) -> object:
        return {"properties": {one: {"type": "string"} for one in members}}

    old, new = (
        schema_tree(tree(*names), "JsonSchema/draft-07") for names in (("a", "b", "c"), ("c", "a"))
    )
    found = {one.name: (one.old, one.new) for one in tree_diff(old, new)}
    assert found == {"a": ("string", "string"), "b": ("string", None), "c": ("string", "string")}
    assert tree_diff(old, old) == ()


def test_of_many_members_only_those_that_changed_are_shown_with_what_they_lie_in() -> None:
    inner = {"type": "object", "properties": {"deep": {"type": "string"}}}
    many = {f"m{at}": {"type": "string"} for at in range(100)}
    old = schema_tree({"properties": {**many, "x": inner}}, "JsonSchema")
    changed = {"type": "object", "properties": {"deep": {"type": "number"}}}
    new = schema_tree({"properties": {**many, "x": changed}}, "JsonSchema")
    assert [one.name for one in tree_diff(old, new)] == ["x", "deep"]


@pytest.mark.parametrize(
    ("value", "said"),
    [(100, "100 %"), (0, "0 %"), (98.64, "98.6 %"), (99.99, "> 99.9 %"), (0.01, "< 0.1 %")],
)
def test_only_all_of_it_is_100_percent(value: float, said: str) -> None:
    assert percent(value) == said
