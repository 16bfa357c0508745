"""The published OpenAPI against a hub that runs: schemathesis, over real HTTP.

    with served() as url: search(url, until_s, examples=5)

No answer may be a failure of the hub's, and each must be one that the document tells of: its status,
its content type, its body.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.edges.http_edge import running

CHECKS = [
    not_a_server_error,
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
]
SEVERAL_DOCUMENTS = frozenset({("GET", "/catalog-info.yaml")})
"""A stream of YAML documents, as Backstage has it; schemathesis reads one."""

CHANGES_THE_API = frozenset(
    {
        ("PUT", "/"),
        ("PATCH", "/"),
        ("PUT", "/modelsource"),
        ("PUT", "/capabilities"),
        ("PATCH", "/capabilities"),
    }
)
"""What would make the document that was read untrue; tests.fuzz.registry does these."""
WITHIN_S = 10.0


@contextmanager
def served() -> Iterator[str]:
    """The URL of a hub on a loop of its own."""
    loop_of: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event, int]] = Future()

    async def serve() -> None:
        try:
            async with running() as hub:
                ended = asyncio.Event()
                loop_of.set_result((asyncio.get_running_loop(), ended, hub.port))
                await ended.wait()
        except BaseException as error:
            if not loop_of.done():
                loop_of.set_exception(error)
            raise

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="hub", daemon=True)
    thread.start()
    loop, ended, port = loop_of.result(timeout=30)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(timeout=30)


def operations(url: str) -> Sequence[Any]:
    """What is searched: all that the document lists, but what would change the document."""
    document = requests.get(f"{url}/openapi.json", timeout=WITHIN_S).json()
    for name, one in document["components"]["schemas"].items():
        if name.endswith("-sent"):
            _without_conditions(one)
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=url)
    found = [one.ok() for one in schema.get_all_operations() if isinstance(one, Ok)]
    left_out = CHANGES_THE_API | SEVERAL_DOCUMENTS
    return [one for one in found if (one.method.upper(), one.path) not in left_out]


def _without_conditions(schema: Any) -> None:
    """Leave out `if` and `then`, which schemathesis cannot make examples of."""
    if isinstance(schema, dict):
        schema.pop("allOf", None)
        schema.pop("unevaluatedProperties", None)
    for one in schema.values() if isinstance(schema, dict) else schema:
        if isinstance(one, dict | list):
            _without_conditions(one)


def without_waiting(case: Any) -> None:
    """Leave out what makes the hub wait: for an event, or for a revision that nobody makes (503)."""
    for found, name in ((case.query, "wait"), (case.headers, "chappe-min-revision")):
        if found:
            found.pop(name, None)


def search(
    url: str,
    until_s: float,
    *,
    examples: int,
    mode: GenerationMode = GenerationMode.POSITIVE,
    derandomize: bool = False,
) -> int:
    """Search operation after operation until the time (monotonic) is up; how many requests.

    `mode` tells whether what is sent is as the document wants it, or is not.
    """
    asked = 0
    for operation in operations(url):
        if time.monotonic() > until_s:
            break

        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            derandomize=derandomize,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
            verbosity=Verbosity.quiet,
        )
        @given(operation.as_strategy(generation_mode=mode))
        def once(case: Any) -> None:
            nonlocal asked
            asked += 1
            without_waiting(case)
            case.call_and_validate(checks=CHECKS, timeout=WITHIN_S)

        # Where nothing can be sent, nothing can be wrong with it.
        with suppress(Unsatisfiable):
            once()
    return asked
