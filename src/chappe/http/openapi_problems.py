"""Each status that an operation may refuse with, and the problems of it, in the published OpenAPI.

They are told from the tables that make the answers: http/problems for the hub's own, registry/errors for
xRegistry's. Which an operation can have follows from what it is asked: a body may be too large, a path
may name nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from chappe.domain.errors import ChappeError, Fenced, InvalidSetting
from chappe.http.openapi_parts import JSON_TYPE, PROBLEM_TYPE, ref, schema
from chappe.http.openapi_schemas import Schema
from chappe.http.problems import INTERNAL, status_of
from chappe.registry.errors import CATALOGUE, SPEC

OF_THE_CONNECTION: Final = {"too_slow": 408, "headers_too_large": 431}
"""What a request is refused with before it is known what it asks for (http/connection)."""
OF_THE_EDGE: Final = {"precondition_failed": 412}
"""What the registry's paths refuse beside xRegistry's errors, in the form of those."""
_NEVER_SHOWN: Final = frozenset({InvalidSetting, Fenced, ChappeError})
_RANGE: Final = "4XX"
_EVENTS: Final = "application/cloudevents+json"
_WRITES: Final = frozenset({"put", "patch", "post", "delete"})
_METHODS: Final = ("get", *sorted(_WRITES))
_TITLES: Final[Mapping[int, str]] = {
    400: "A value breaks a rule.",
    401: "A token is missing, or unknown.",
    403: "The token lacks the right.",
    404: "There is no such thing.",
    405: "The thing has no such method.",
    406: "It has no form that the request takes.",
    408: "The request did not arrive in time.",
    409: "The thing changed meanwhile, or several are meant.",
    412: "`If-Match` or `If-None-Match` does not hold.",
    413: "It is over a limit.",
    415: "It is in no format that is understood.",
    422: "The payload breaks its schema.",
    431: "The headers are too large.",
    500: "The hub made a mistake.",
    503: "Not at the moment; send the request again.",
}


def codes() -> dict[str, int]:
    """Every code of the hub's own problems that a caller may see, with its status."""
    found = {one.code: status_of(_bare(one)) for one in _classes(ChappeError)}
    return {**found, **OF_THE_CONNECTION, INTERNAL: 500}


def kinds() -> dict[int, list[str]]:
    """The types of xRegistry's errors, by status."""
    found: dict[int, list[str]] = {}
    for name, kind in CATALOGUE.items():
        found.setdefault(kind.status, []).append(f"{SPEC}{kind.document}#{name}")
    for code, status in OF_THE_EDGE.items():
        found.setdefault(status, []).append(f"urn:chappe:error:{code}")
    return found


def problem_responses() -> dict[str, Schema]:
    """The components: "Problem404" of the hub, "Refused404" of the registry's paths."""
    by_status: dict[int, list[str]] = {}
    for code, status in codes().items():
        by_status.setdefault(status, []).append(code)
    types = kinds()
    made: dict[str, Schema] = {}
    for status in sorted(by_status.keys() | types.keys()):
        problem = _problem(status, sorted(by_status.get(status, ())))
        contents: Schema = {PROBLEM_TYPE: problem} if status in by_status else {}
        headers = _headers(status)
        about = {"description": _TITLES[status], **({"headers": headers} if headers else {})}
        if contents:
            made[f"Problem{status}"] = {**about, "content": contents}
        refused = {"type": {"enum": sorted(types.get(status, ()))}}
        error = {"allOf": [schema("Error"), {"properties": refused}]}
        shown = {JSON_TYPE: {"schema": error}} if status in types else {}
        made[f"Refused{status}"] = {**about, "content": {**shown, **contents}}
    return made


def with_problems(paths: Mapping[str, Schema]) -> dict[str, Schema]:
    """The paths, whose operations tell each status that they refuse with."""
    return {path: _item(path, item) for path, item in paths.items()}


def _item(path: str, item: Schema) -> Schema:
    made = dict(item)
    for method in _METHODS:
        told: Schema = item.get(method, {})
        name = _NAMES.get(told.get("responses", {}).get(_RANGE, {}).get("$ref"))
        if name is None:
            continue  # without any, or of another API's errors
        of_registry = name == "Refused"
        responses = dict(told["responses"])
        for status in sorted(_statuses(path, method, told, of_registry=of_registry)):
            responses.setdefault(str(status), ref("responses", f"{name}{status}"))
        if responses.get("503") == ref("responses", "Unavailable"):
            responses["503"] = ref("responses", f"{name}503")
        responses[_RANGE] = responses.pop(_RANGE)
        made[method] = {**told, "responses": responses}
    return made


_NAMES: Final = {f"#/components/responses/{one}": one for one in ("Problem", "Refused")}


def _statuses(path: str, method: str, told: Schema, *, of_registry: bool) -> set[int]:
    found = {400, 500, *OF_THE_CONNECTION.values()}
    if "x-chappe-right" in told:
        found |= {401, 403}
    elif "security" not in told:  # of whoever is known
        found.add(401)
    if "{" in path or of_registry:
        found.add(404)
    if method in _WRITES and told.get("x-chappe-right") not in (None, "read", "publish"):
        found |= {405, 412} if of_registry else {409}
    sent = told.get("requestBody", {}).get("content", {})
    if sent:
        found.add(413)
    if _EVENTS in sent:
        found |= {415, 422}
    shown = told["responses"].get("200", {}).get("content", {})
    if len(shown) > 1 or (of_registry and method == "get"):
        found.add(406)
    return found


def _problem(status: int, codes: list[str]) -> Schema:
    known = {
        "status": {"const": status},
        "code": {"enum": codes},
        "type": {"enum": [f"urn:chappe:error:{one}" for one in codes]},
    }
    value = {"allOf": [schema("Problem"), {"properties": known}]}
    examples = {one: {"value": _example(status, one)} for one in codes}
    return {"schema": value, "examples": examples}


def _example(status: int, code: str) -> dict[str, Any]:
    return {
        "type": f"urn:chappe:error:{code}",
        "title": code.replace("_", " ").capitalize(),
        "status": status,
        "detail": _TITLES[status],
        "code": code,
    }


def _headers(status: int) -> Schema:
    by_status = {401: "WWW-Authenticate", 405: "Allow", 503: "Retry-After"}
    name = by_status.get(status)
    return {} if name is None else {name: ref("headers", name)}


def _classes(above: type[ChappeError]) -> Iterator[type[ChappeError]]:
    for one in above.__subclasses__():
        if one.__module__ == ChappeError.__module__:
            if one not in _NEVER_SHOWN:
                yield one
            yield from _classes(one)


def _bare(one: type[ChappeError]) -> ChappeError:
    """An error of the class, to look its status up."""
    return one.__new__(one)
