"""What other tools read and write, in the published OpenAPI: AsyncAPI, Backstage, llms.txt, this page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from chappe.http.asyncapi import ASYNCAPI, ASYNCAPI_YAML
from chappe.http.openapi_hub_schemas import OBJECT, TEXT, TEXTS, object_of
from chappe.http.openapi_parts import OF_THE_HUB, answer, operation, query, ref, schema
from chappe.http.openapi_schemas import Schema

TAG: Final = "ecosystem"
_HTML: Final = "text/html"

ECOSYSTEM_SCHEMAS: Final[Mapping[str, Schema]] = {
    "AsyncAPI": {
        "type": "object",
        "description": "An AsyncAPI document (asyncapi.com); 3.0.0 where the hub writes it.",
        "properties": {"asyncapi": TEXT, "info": OBJECT, "channels": OBJECT, "operations": OBJECT},
        "required": ["asyncapi"],
    },
    "Adopted": object_of(
        {
            "made": {**TEXTS, "description": "xids of entities that were not there before."},
            "changed": {**TEXTS, "description": "xids of those that were."},
            "left": {**TEXTS, "description": "What has no place in the registry, in words."},
        },
        "made", "changed", "left",
    ),
}  # fmt: skip

_APPLICATION: Final = query(
    "application", "The endpoints of this application: the label `application`, or an id.", TEXT
)
_SEEN: Final = ("chappe-revision",)


def ecosystem_paths() -> dict[str, Schema]:
    """The path items, by path."""
    show = operation(
        "get.asyncapi",
        "Endpoints as an AsyncAPI document",
        TAG,
        "read",
        parameters=[query("endpoint", "This endpoint alone, by id.", TEXT), _APPLICATION],
        responses={
            "200": {
                **answer("The document.", headers=_SEEN),
                "content": {
                    ASYNCAPI: {"schema": schema("AsyncAPI")},
                    ASYNCAPI_YAML: {"schema": TEXT},
                },
            },
            **OF_THE_HUB,
        },
    )
    take = operation(
        "post.asyncapi",
        "Make an application's AsyncAPI document (2.x, 3.x) part of the registry, all or nothing",
        TAG,
        "subscribe",
        parameters=[
            query("application", "What the application is called; else its title.", TEXT),
            ref("parameters", "dryrun"),
        ],
        request={
            "required": True,
            "content": {
                "application/json": {"schema": schema("AsyncAPI")},
                "application/yaml": {"schema": {}},
                "*/*": {"schema": {}},
            },
        },
        responses={
            "200": answer(
                "What came of it.",
                schema("Adopted"),
                headers=(*_SEEN, "chappe-dry-run", "xRegistry-xregcorrelationid"),
            ),
            **OF_THE_HUB,
        },
    )
    backstage = operation(
        "get.catalog-info",
        "Applications, their APIs and channels as entities of Backstage's catalog",
        TAG,
        "read",
        parameters=[query("page", "One page of many, from 1.", {"type": "integer", "minimum": 1})],
        responses={
            "200": answer("The entities.", TEXT, type="application/yaml", headers=_SEEN),
            **OF_THE_HUB,
        },
    )
    llms = operation(
        "get.llms",
        "A map of the hub for programs that read Markdown (llmstxt.org)",
        TAG,
        "read",
        responses={"200": answer("It.", TEXT, type="text/markdown", headers=_SEEN), **OF_THE_HUB},
    )
    page = operation(
        "get.openapi.page",
        "This document as a page",
        "health",
        "read",
        responses={"200": answer("The page.", TEXT, type=_HTML), **OF_THE_HUB},
    )
    style = operation(
        "get.openapi.style",
        "What the page looks like",
        "health",
        None,
        responses={"200": answer("A style sheet.", TEXT, type="text/css")},
    )
    return {
        "/asyncapi": {"get": show, "post": take},
        "/catalog-info.yaml": {"get": backstage},
        "/llms.txt": {"get": llms},
        "/openapi": {"get": page},
        "/openapi/style.css": {"get": style},
    }


_PAGES: Final = (
    "/messagegroups/{gid}/messages/{rid}",
    "/endpoints/{gid}/messages/{rid}",
    "/schemagroups/{gid}/schemas/{rid}",
    "/schemagroups/{gid}/schemas/{rid}/versions/{vid}",
)
_TWINS: Final[Mapping[str, Schema]] = {
    "/endpoints/{gid}": {ASYNCAPI: {"schema": schema("AsyncAPI")}, ASYNCAPI_YAML: {"schema": TEXT}},
    **{path: {"text/markdown": {"schema": TEXT}} for path in _PAGES},
    **{f"{path}$details": {"text/markdown": {"schema": TEXT}} for path in _PAGES},
}


def with_twins(paths: Mapping[str, Schema]) -> dict[str, Schema]:
    """The paths, with the other forms that entities of the registry have by `Accept`."""
    return {path: _shown_as(item, _TWINS.get(path, {})) for path, item in paths.items()}


def _shown_as(item: Schema, forms: Schema) -> Schema:
    if not forms or "get" not in item:
        return item
    responses = item["get"]["responses"]
    shown = {**responses["200"], "content": {**responses["200"]["content"], **forms}}
    return {**item, "get": {**item["get"], "responses": {**responses, "200": shown}}}
