"""The hub's API as an OpenAPI 3.1 document: `GET /openapi.json`.

A pure function of the registry's model and capabilities, which tell most of the paths: a type of
group that is put into the model has its paths here at once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from chappe import __version__
from chappe.http.exchange import JSON, Request, Response
from chappe.http.openapi_confluent import (
    CONFLUENT_RESPONSES,
    CONFLUENT_SECURITY,
    confluent_paths,
)
from chappe.http.openapi_confluent_schemas import CONFLUENT_SCHEMAS
from chappe.http.openapi_ecosystem import ECOSYSTEM_SCHEMAS, ecosystem_paths, with_twins
from chappe.http.openapi_entities import entity_schemas
from chappe.http.openapi_examples import with_examples
from chappe.http.openapi_hub import hub_paths
from chappe.http.openapi_hub_schemas import SCHEMAS
from chappe.http.openapi_life import LIFE_SCHEMAS, life_paths
from chappe.http.openapi_login import login_paths
from chappe.http.openapi_parts import (
    ERRORS,
    HEADERS,
    PARAMETERS,
    RESPONSES,
    SECURITY,
)
from chappe.http.openapi_problems import problem_responses, with_problems
from chappe.http.openapi_registry import registry_paths
from chappe.http.openapi_schema_registry import SCHEMAS as OF_SCHEMA_REGISTRY
from chappe.http.openapi_schema_registry import schema_registry_paths
from chappe.http.openapi_schemas import Schema
from chappe.http.parts import Parts
from chappe.http.registry.compression import accepts_gzip, compressed
from chappe.kit.any_json import encode_json
from chappe.registry.model import Model

OPENAPI: Final = "3.1.0"
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

_DESCRIPTION: Final = """\
An event hub for CloudEvents, and its registry (CNCF xRegistry).

Each operation names the right that a token needs for it (`x-chappe-right`; `admin` is all of them),
for the whole hub or for the group that is asked for.
HEAD works where GET does; OPTIONS tells what the caller may do. A schema whose name ends in `-sent` is
what a client writes: what is read-only is ignored there, and null stands for absent.
"""

_TAGS: Final = {
    "events": "Publish events, and read them.",
    "subscriptions": "CloudEvents Subscriptions API.",
    "sources": "What the hub reads at other brokers.",
    "discovery": "CloudEvents Discovery API.",
    "registry": "xRegistry: what is declared.",
    "schemaregistry": "CloudEvents Schema Registry 0.2: schemas alone.",
    "confluent": "Confluent's Schema Registry over the same schemas; all of it but the root and the metadata"
    " also stands below `/confluent/contexts/{context}`, and with `confluent_port` at the root of a port.",
    "dead letters": "What could not be delivered.",
    "login": "Who one is to the hub.",
    "ecosystem": "What other tools read and write: AsyncAPI, Backstage, llms.txt.",
    "health": "The node, and this document.",
}


async def openapi(parts: Parts, request: Request) -> Response:
    """The document, with the hub's own URL."""
    tree = parts.state.value.tree
    # Beside the document, which is kept, because clients may reach the hub by several names.
    servers = encode_json([{"url": parts.registry.base(request.headers) or "/"}])
    body = b'{"servers":%b,%b' % (servers, _published.of(tree.model, tree.capabilities)[1:])
    response = Response(200, body, (JSON, (b"vary", b"accept-encoding")))
    return compressed(response) if accepts_gzip(request.header(b"accept-encoding")) else response


def document(model: Model, capabilities: Mapping[str, Any]) -> Schema:
    """The document, but for `servers`.

    Args:
        model: tells the paths and the schemas of entities.
        capabilities: the whole map; tells what can be read and written, and with which flags.
    """
    hub: dict[str, Any] = {
        **hub_paths(),
        **life_paths(),
        **login_paths(),
        **ecosystem_paths(),
        **schema_registry_paths(),
        **confluent_paths(),
    }
    own = {_shape(path) for path in hub}
    paths = {
        path: item
        for path, item in registry_paths(model, capabilities).items()
        if _shape(path) not in own  # the hub's own paths go first
    }
    return {
        "openapi": OPENAPI,
        "jsonSchemaDialect": DIALECT,
        "info": {
            "title": "Chappe",
            "version": __version__,
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "tags": [{"name": name, "description": text} for name, text in _TAGS.items()],
        "security": [{"bearer": []}, {}],
        "paths": with_examples(with_problems(with_twins({**hub, **paths}))),
        "components": {
            "schemas": {
                **ERRORS,
                **SCHEMAS,
                **LIFE_SCHEMAS,
                **ECOSYSTEM_SCHEMAS,
                **OF_SCHEMA_REGISTRY,
                **CONFLUENT_SCHEMAS,
                **entity_schemas(model),
            },
            "parameters": dict(PARAMETERS),
            "headers": dict(HEADERS),
            "responses": {**RESPONSES, **problem_responses(), **CONFLUENT_RESPONSES},
            "securitySchemes": {**SECURITY, **CONFLUENT_SECURITY},
        },
    }


@dataclass(slots=True)
class _Published:
    """The document of the model and capabilities that were asked for last; they seldom change."""

    model: Model | None = None
    capabilities: Mapping[str, Any] | None = None
    body: bytes = b""

    def of(self, model: Model, capabilities: Mapping[str, Any]) -> bytes:
        """The document as JSON."""
        if self.model is not model or self.capabilities is not capabilities:
            self.body = encode_json(document(model, capabilities))
            self.model, self.capabilities = model, capabilities
        return self.body


_published: Final = _Published()


def _shape(path: str) -> str:
    """A path without the names of its parts."""
    return re.sub(r"\{\w+\}", "{}", path)
