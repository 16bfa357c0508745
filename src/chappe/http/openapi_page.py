"""An OpenAPI document as a page: operations by tag, with parameters, bodies, answers, and schemas as trees.

A pure function of the document. The page needs no script, nothing from elsewhere and no inline style;
what can be opened is a `details` element.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from chappe.http.html import Html, element, page, void

Document = Mapping[str, Any]

METHODS: Final = ("get", "put", "patch", "post", "delete")
MAX_DEPTH: Final = 4
"""Levels of a schema's tree below an operation; what is deeper has a link."""
_LINKED: Final = "#/components/schemas/"
_CODE: Final = re.compile(r"`([^`]+)`")
_NO_ANCHOR: Final = re.compile(r"[^A-Za-z0-9_.-]")


def render(document: Document, *, style: str) -> bytes:
    """The page; `style` is the URL of its style sheet."""
    return page(_Page(document).whole(style))


class _Page:
    def __init__(self, document: Document) -> None:
        self._document = document
        servers = document.get("servers") or [{}]
        self._base = str(servers[0].get("url", "")).rstrip("/")
        self._components: Mapping[str, Any] = document.get("components", {})

    def whole(self, style: str) -> Html:
        info = self._document["info"]
        title = f"{info['title']} {info['version']}: API"
        by_tag = self._by_tag()
        head = element(
            "head",
            void("meta", charset="utf-8"),
            void("meta", name="viewport", content="width=device-width, initial-scale=1"),
            void("meta", name="color-scheme", content="light dark"),
            element("title", title),
            void("link", rel="stylesheet", href=style),
        )
        body = element(
            "body",
            element("a", "Skip to the operations", href="#operations", class_="skip"),
            element(
                "header",
                element("h1", title),
                *_paragraphs(str(info.get("description", ""))),
                element("p", element("a", "openapi.json", href="openapi.json")),
            ),
            element("nav", self._contents(by_tag), aria_label="Operations by tag"),
            element(
                "main",
                *(self._tag(tag, found) for tag, found in by_tag.items()),
                self._shared_answers(),
                self._schemas(),
                id="operations",
            ),
        )
        return element("html", head, body, lang="en")

    def _by_tag(self) -> dict[str, list[tuple[str, str, Mapping[str, Any], Sequence[Any]]]]:
        found: dict[str, list[tuple[str, str, Mapping[str, Any], Sequence[Any]]]] = {
            tag["name"]: [] for tag in self._document.get("tags", ())
        }
        for path, item in self._document["paths"].items():
            shared = item.get("parameters", ())
            for method in METHODS:
                if method in item:
                    operation = item[method]
                    for tag in operation.get("tags") or ["other"]:
                        found.setdefault(tag, []).append((path, method, operation, shared))
        return {tag: operations for tag, operations in found.items() if operations}

    def _contents(self, by_tag: Mapping[str, Sequence[Any]]) -> Html:
        entries = [
            element("li", element("a", f"{tag} ({len(found)})", href=f"#tag-{_anchor(tag)}"))
            for tag, found in by_tag.items()
        ]
        others = [
            element("li", element("a", name, href=f"#{name}")) for name in ("problems", "schemas")
        ]
        return element("ul", *entries, *others)

    def _tag(self, tag: str, operations: Sequence[Any]) -> Html:
        about = next(
            (one.get("description", "") for one in self._document["tags"] if one["name"] == tag), ""
        )
        return element(
            "section",
            element("h2", tag, id=f"tag-{_anchor(tag)}"),
            *_paragraphs(about),
            *(self._operation(*one) for one in operations),
        )

    def _operation(
        self, path: str, method: str, operation: Mapping[str, Any], shared: Sequence[Any]
    ) -> Html:
        summary = element(
            "summary",
            element("span", method.upper(), class_=f"method {method}"),
            " ",
            element("code", path),
            " ",
            element("span", _inline(str(operation.get("summary", ""))), class_="about"),
        )
        right = operation.get("x-chappe-right")
        told = (
            element("p", "A token needs the right ", element("code", str(right)), ".")
            if right
            else element("p", "No token is needed.")
        )
        parameters = [self._resolved(one) for one in (*shared, *operation.get("parameters", ()))]
        return element(
            "details",
            summary,
            told,
            *self._parameters(parameters),
            *self._body("Request", operation.get("requestBody")),
            *self._curl(path, method, operation, parameters),
            *self._responses(operation["responses"]),
            class_="operation",
            id=_anchor(str(operation.get("operationId", f"{method}{path}"))),
        )

    def _parameters(self, parameters: Sequence[Mapping[str, Any]]) -> Iterator[Html]:
        if not parameters:
            return
        rows = [
            element(
                "tr",
                element("td", element("code", str(one["name"]))),
                element("td", str(one["in"]) + (", required" if one.get("required") else "")),
                element("td", self._kind(one.get("schema", {}))),
                element("td", _inline(str(one.get("description", "")))),
            )
            for one in parameters
        ]
        head = element("tr", *(element("th", one, scope="col") for one in _COLUMNS))
        yield element("h3", "Parameters")
        table = element("table", element("thead", head), element("tbody", *rows))
        yield element("div", table, class_="wide", tabindex="0")

    def _body(self, title: str, body: Any) -> Iterator[Html]:
        if not body:
            return
        body = self._resolved(body)
        yield element("h3", title + ("" if body.get("required") else ", optional"))
        yield from self._contents_of(body.get("content", {}))

    def _contents_of(self, content: Mapping[str, Any]) -> Iterator[Html]:
        by_schema: dict[str, tuple[list[str], Mapping[str, Any]]] = {}
        for type_, one in content.items():
            by_schema.setdefault(json.dumps(one, sort_keys=True, default=str), ([], one))[0].append(
                type_
            )
        for types, one in by_schema.values():
            yield element("p", *(_joined([element("code", type_) for type_ in types])))
            if one.get("schema"):
                yield self._tree(one["schema"])
            if "example" in one:
                yield element("pre", element("code", _json(one["example"])), tabindex="0")

    def _responses(self, responses: Mapping[str, Any]) -> Iterator[Html]:
        yield element("h3", "Answers")
        for status, told in responses.items():
            one = self._resolved(told)
            headers = [element("code", name) for name in one.get("headers", {})]
            shown: list[Html | str] = [element("code", status), " "]
            shown.append(_inline(str(one.get("description", ""))))
            if headers:
                shown += [" (", *_joined(headers), ")"]
            if "$ref" in told:
                name = str(told["$ref"]).rpartition("/")[2]
                link = element("a", "problems", href=f"#answer-{_anchor(name)}")
                yield element("p", *shown, " ", link)
            elif one.get("content"):
                inner = list(self._contents_of(one["content"]))
                yield element("details", element("summary", *shown), *inner)
            else:
                yield element("p", *shown)

    def _shared_answers(self) -> Html:
        """What operations refer to: statuses with their problems."""
        entries: list[Html] = []
        for name, one in self._components.get("responses", {}).items():
            summary = element("summary", element("code", name), " ", _inline(one["description"]))
            codes = [element("li", element("code", code)) for code in _codes(one)]
            inner = [element("ul", *codes)] if codes else []
            inner += list(self._contents_of(one.get("content", {})))
            id_ = f"answer-{_anchor(name)}"
            entries.append(element("details", summary, *inner, class_="schema", id=id_))
        return element("section", element("h2", "problems", id="problems"), *entries)

    def _curl(
        self,
        path: str,
        method: str,
        operation: Mapping[str, Any],
        parameters: Sequence[Mapping[str, Any]],
    ) -> Iterator[Html]:
        content = self._resolved(operation.get("requestBody") or {}).get("content", {})
        url = self._base + path
        queries = [one for one in parameters if one["in"] == "query" and one.get("required")]
        if queries:
            url += "?" + "&".join(f"{one['name']}=…" for one in queries)
        words = ["curl"] + ([] if method == "get" else ["-X", method.upper()]) + [shlex.quote(url)]
        if operation.get("x-chappe-right"):
            words += ["-H", "'Authorization: Bearer '\"$TOKEN\""]
        for type_, one in content.items():
            if "example" in one:
                words += ["-H", shlex.quote(f"Content-Type: {type_}")]
                words += ["-d", shlex.quote(json.dumps(one["example"], default=str))]
                break
        else:
            if content:
                type_ = next(iter(content))
                words += ["-H", shlex.quote(f"Content-Type: {type_}"), "-d", "@FILE"]
        yield element("h3", "Ask with curl")
        yield element("pre", element("code", " ".join(words)), tabindex="0")

    def _schemas(self) -> Html:
        entries = [
            element(
                "details",
                element("summary", element("code", name)),
                self._tree(one),
                class_="schema",
                id=f"schema-{_anchor(name)}",
            )
            for name, one in sorted(self._components.get("schemas", {}).items())
        ]
        return element("section", element("h2", "schemas", id="schemas"), *entries)

    def _tree(self, schema: Any, depth: int = 0) -> Html:
        """A schema as a list of its members; what has a name of its own is a link."""
        if not isinstance(schema, Mapping) or "$ref" in schema or depth >= MAX_DEPTH:
            return element("p", self._kind(schema))
        rows: list[Html] = []
        required = set(schema.get("required", ()))
        for name, one in schema.get("properties", {}).items():
            marks = " required" if name in required else ""
            rows.append(self._member(element("code", name), marks, one, depth))
        items, others = schema.get("items"), schema.get("additionalProperties")
        if isinstance(items, Mapping):
            rows.append(self._member(element("em", "each"), "", items, depth))
        if isinstance(others, Mapping):
            rows.append(self._member(element("em", "any other name"), "", others, depth))
        for keyword, word in (("anyOf", "any of"), ("oneOf", "one of"), ("allOf", "all of")):
            rows += [
                self._member(element("em", word), "", one, depth) for one in schema.get(keyword, ())
            ]
        about = _inline(str(schema["description"])) if "description" in schema else Html("")
        kind = element("p", self._kind(schema), " ", about)
        return element("div", kind, *([element("ul", *rows)] if rows else []), class_="tree")

    def _member(self, name: Html, marks: str, schema: Any, depth: int) -> Html:
        inner = schema if isinstance(schema, Mapping) else {}
        has_more = any(key in inner for key in _BELOW) and "$ref" not in inner
        if has_more and depth + 1 < MAX_DEPTH:
            return element("li", name, element("small", marks), self._tree(schema, depth + 1))
        about = _inline(str(inner["description"])) if "description" in inner else Html("")
        return element("li", name, element("small", marks), " ", self._kind(schema), " ", about)

    def _kind(self, schema: Any) -> Html:
        """What values are, in a few words."""
        if not isinstance(schema, Mapping):
            return element("span", "nothing" if schema is False else "anything", class_="kind")
        reference = schema.get("$ref")
        if isinstance(reference, str) and reference.startswith(_LINKED):
            name = reference.removeprefix(_LINKED)
            return element("a", name, href=f"#schema-{_anchor(name)}")
        words: list[Html | str] = []
        kinds = schema.get("type")
        if kinds:
            words.append(" or ".join(kinds) if isinstance(kinds, list) else str(kinds))
        if "const" in schema:
            words += [" ", element("code", json.dumps(schema["const"], default=str))]
        choices = schema.get("enum")
        if isinstance(choices, list):
            shown = [element("code", str(one)) for one in choices[:12]]
            words += [" one of ", *_joined(shown), *([", …"] if len(choices) > 12 else [])]
        for name in ("format", "pattern", "minimum", "maximum", "default"):
            if name in schema:
                words += [f", {name} ", element("code", str(schema[name]))]
        items = schema.get("items")
        if isinstance(items, Mapping) and "$ref" in items:
            words += [" of ", self._kind(items)]
        return element("span", *(words or ["anything"]), class_="kind")

    def _resolved(self, node: Mapping[str, Any]) -> Mapping[str, Any]:
        """A component that is referred to, or the value itself."""
        reference = node.get("$ref")
        if not isinstance(reference, str):
            return node
        kind, name = reference.split("/")[-2:]
        found: Mapping[str, Any] = self._components[kind][name]
        return found


_COLUMNS: Final = ("name", "where", "value", "what for")
_BELOW: Final = ("properties", "items", "additionalProperties", "anyOf", "oneOf", "allOf")


def _codes(response: Mapping[str, Any]) -> list[str]:
    """The problems that a status may be."""
    found: list[str] = []
    for one in response.get("content", {}).values():
        for part in one.get("schema", {}).get("allOf", ()):
            properties = part.get("properties", {})
            kinds = properties.get("code") or properties.get("type") or {}
            found += [str(kind).rpartition("#")[2] for kind in kinds.get("enum", ())]
    return found


def _paragraphs(text: str) -> list[Html]:
    return [element("p", _inline(one)) for one in text.split("\n\n") if one.strip()]


def _inline(text: str) -> Html:
    """A text in which `this` is code."""
    parts = _CODE.split(text)
    return Html(
        "".join(
            element("code", part).text if index % 2 else element("span", part).text
            for index, part in enumerate(parts)
            if part
        )
    )


def _joined(parts: Sequence[Html]) -> list[Html | str]:
    made: list[Html | str] = []
    for part in parts:
        made += [", ", part] if made else [part]
    return made


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


def _anchor(name: str) -> str:
    return _NO_ANCHOR.sub("-", name)
