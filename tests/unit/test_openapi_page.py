"""The page of an OpenAPI document: everything in it is text, whatever it says."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from typing_extensions import override

from chappe.http.html import element, page
from chappe.http.openapi_page import render

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=1>"


def document(word: str) -> dict[str, Any]:
    schema = {
        "type": "object",
        "description": word,
        "properties": {word: {"enum": [word], "pattern": word, "default": word}},
        "required": [word],
        "anyOf": [{"$ref": "#/components/schemas/One"}],
    }
    return {
        "info": {"title": word, "version": word, "description": f"`{word}`\n\n{word}"},
        "servers": [{"url": word}],
        "tags": [{"name": word, "description": word}],
        "paths": {
            f"/{word}": {
                "parameters": [{"name": word, "in": "path", "required": True, "schema": {}}],
                "post": {
                    "operationId": "one",
                    "summary": word,
                    "tags": [word],
                    "x-chappe-right": word,
                    "parameters": [{"name": word, "in": "query", "required": True, "schema": schema}],
                    "requestBody": {"content": {word: {"schema": schema, "example": {word: word}}}},
                    "responses": {
                        "200": {"description": word, "headers": {word: {}}, "content": {word: {"schema": schema}}},
                        "4XX": {"description": word},
                    },
                },
            }
        },
        "components": {"schemas": {"One": schema}},
    }  # fmt: skip


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, tuple[str, ...]]] = []
        self.feed(text)

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, tuple(name for name, _ in attrs)))


def tags(word: str) -> list[tuple[str, tuple[str, ...]]]:
    return Tags(render(document(word), style="s.css").decode()).found


def test_markup_in_a_document_is_shown_and_is_none() -> None:
    text = render(document(HOSTILE), style="s.css").decode()

    assert "<script" not in text
    assert "<img" not in text
    assert "&lt;script&gt;" in text


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="`\n"), min_size=1))
def test_the_elements_do_not_depend_on_what_texts_hold(word: str) -> None:
    assert tags(word + "x") == tags("x")


def test_a_command_for_the_shell_quotes_what_a_document_says() -> None:
    text = render(document("a'b$(c)"), style="s.css").decode()

    assert "curl -X POST 'a'\"'\"'b$(c)/a'" in text


def test_attributes_are_escaped() -> None:
    made = element("a", "x < y", href='"&', class_="c", hidden=True, title=None)

    assert page(made) == (b'<!doctype html>\n<a href="&quot;&amp;" class="c" hidden>x &lt; y</a>')
