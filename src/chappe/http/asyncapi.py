"""AsyncAPI over HTTP: `GET /asyncapi` shows endpoints as a document, `POST /asyncapi` takes one in.

GET  /asyncapi                        every endpoint
GET  /asyncapi?endpoint=orders        one          also GET /endpoints/orders by Accept
GET  /asyncapi?application=checkout   those of an application (the label `application`)
POST /asyncapi?dryrun                 what would come of a document
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec

from chappe.domain.errors import Malformed, NotFound, TooLarge
from chappe.flows.adopt import Adopt
from chappe.formats.asyncapi.names import is_id
from chappe.formats.asyncapi.read import Described, read
from chappe.formats.asyncapi.write import About, document_of
from chappe.formats.backstage import about_of
from chappe.formats.catalogue import Application, applications
from chappe.formats.catalogue import endpoints as all_endpoints
from chappe.formats.fields import shortened
from chappe.formats.hub_entities import ENDPOINTS
from chappe.formats.yaml_text import BadYaml, read_yaml, write_yaml
from chappe.http.exchange import DRY_RUN, Header, Request, Response, find_header, json_response
from chappe.http.negotiation import negotiate
from chappe.http.parts import Parts
from chappe.http.registry.compression import accepts_gzip, compressed
from chappe.http.registry_route import CORRELATION, REVISION, is_dry_run, reach
from chappe.registry.entity import Group, Tree

ASYNCAPI: Final = "application/vnd.aai.asyncapi+json"
ASYNCAPI_YAML: Final = "application/vnd.aai.asyncapi+yaml"
ALSO: Final = {
    "application/json": ASYNCAPI,
    "application/vnd.aai.asyncapi": ASYNCAPI,
    "application/yaml": ASYNCAPI_YAML,
    "application/x-yaml": ASYNCAPI_YAML,
    "text/yaml": ASYNCAPI_YAML,
}
SHOW_PARAMETERS: Final = ("endpoint", "application")
TAKE_PARAMETERS: Final = ("application", "dryrun")
MAX_BYTES: Final = 8 * 1024 * 1024
"""Of a document: one of 1,000 channels with their schemas is some 2 MB."""

_encode: Final = msgspec.json.Encoder(decimal_format="number").encode
_decode: Final = msgspec.json.Decoder(float_hook=Decimal).decode


async def show(parts: Parts, request: Request) -> Response:
    """The document of all endpoints, of one, or of an application's."""
    await reach(parts, request.headers)
    media_type = negotiate(request.headers, (ASYNCAPI, ASYNCAPI_YAML), default=ASYNCAPI, also=ALSO)
    state = parts.state.value
    base = parts.registry.base(request.headers)
    chosen, about = _chosen(state.tree, request.query)
    headers = request.headers
    return await written(state.tree, state.revision, chosen, about, base, media_type, headers)


async def of_endpoint(
    parts: Parts, endpoint: Group, base: str, media_type: str, headers: Sequence[Header]
) -> Response:
    """The document of one endpoint that the registry has."""
    state = parts.state.value
    about = about_of(Application(endpoint.id, [endpoint]), state.tree)
    return await written(state.tree, state.revision, [endpoint], about, base, media_type, headers)


async def written(
    tree: Tree,
    revision: int,
    endpoints: Sequence[Group],
    about: About,
    base: str,
    media_type: str,
    headers: Sequence[Header],
) -> Response:
    """The answer with the document, made beside the node's other work."""

    def make() -> bytes:
        document = document_of(tree, endpoints, about, base)
        if media_type == ASYNCAPI_YAML:
            return write_yaml(document).encode("utf-8", "surrogatepass")
        return _encode(document)

    body = await asyncio.to_thread(make)
    response = Response(
        200,
        body,
        (
            (b"content-type", f"{media_type};version=3.0.0".encode()),
            (b"vary", b"accept, accept-encoding"),
            (REVISION, b"%d" % revision),
        ),
    )
    wanted = find_header(headers, b"accept-encoding")
    return compressed(response) if accepts_gzip(wanted) else response


async def take(parts: Parts, request: Request) -> Response:
    """Make an application's document part of the registry, all of it or nothing."""
    if len(request.body) > MAX_BYTES:
        raise TooLarge(
            f"document: {len(request.body):,} bytes; an AsyncAPI document has at most {MAX_BYTES:,}"
        )
    application = request.query.get("application")
    if application is not None and not (is_id(application) and len(application) <= 60):
        raise Malformed(
            f"parameter application: {shortened(application)} is no name: up to 60 letters, digits,"
            " '.', '_', '-', '~', ':', '@'"
        )
    described = await asyncio.to_thread(_read, request.body)
    dry_run = is_dry_run(request.raw_query)
    committed = await parts.register.write(
        Adopt(described, application), by=request.principal.name, heavy=True, dry_run=dry_run
    )
    adopted = committed.answer
    headers = [(REVISION, b"%d" % committed.revision)]
    if committed.correlation:
        headers.append((CORRELATION, committed.correlation.encode("ascii")))
    if dry_run:
        headers.append(DRY_RUN)
    return json_response(
        {"made": adopted.made, "changed": adopted.changed, "left": adopted.left}, headers=headers
    )


def parse(body: bytes) -> object:
    """A document as JSON has it, of JSON or YAML.

    Raises:
        Malformed: it is neither, or several.
    """
    try:
        text = body.decode("utf-8-sig")
        if text.lstrip()[:1] == "{":
            return _decode(text)
        documents = [one for one in read_yaml(text) if one is not None]
    except UnicodeDecodeError as error:
        raise Malformed(f"document: is not UTF-8 (byte {error.start})") from error
    except RecursionError:
        raise Malformed("document: nested too deeply") from None
    except (msgspec.MsgspecError, BadYaml) as error:
        raise Malformed(f"document: {error}") from error
    if len(documents) != 1:
        raise Malformed(f"document: {len(documents)} were sent, one is needed")
    return documents[0]


def _read(body: bytes) -> Described:
    return read(parse(body))


def _chosen(tree: Tree, query: Mapping[str, str]) -> tuple[list[Group], About]:
    endpoint, application = query.get("endpoint"), query.get("application")
    if endpoint is not None and application is not None:
        raise Malformed("parameters endpoint, application: only one of them may be there")
    if endpoint is not None:
        found = tree.of(ENDPOINTS).find(endpoint)
        if found is None:
            raise NotFound(f"endpoint {endpoint!r}: there is none")
        return [found], about_of(Application(endpoint, [found]), tree)
    if application is not None:
        named = applications(tree).get(application)
        if named is None:
            raise NotFound(
                f"application {application!r}: no endpoint has that id, or that label `application`"
            )
        return named.endpoints, about_of(named, tree)
    title: Any = tree.attributes.get("name") or "Chappe"
    description: Any = tree.attributes.get("description")
    return list(all_endpoints(tree)), About(str(title), "1", description)
