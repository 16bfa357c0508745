"""The features (Gherkin) and the events (YAML) of cloudevents/conformance, over HTTP.

CHAPPE_CE_CONFORMANCE names a checkout. Of the seven concrete scenarios four are HTTP's; the other
three are of the Kafka binding.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from textwrap import dedent
from typing import Any, Final
from urllib.parse import quote

import pytest
import yaml

from chappe.domain.event import Event
from chappe.formats import cloudevents_http
from chappe.http.parts import Limits
from tests.spec.conformance_checkout import folder

SCENARIOS: Final = 4
YAML_EVENTS: Final = {"v03.yaml": 1, "v1.yaml": 2, "v03_minimum.yaml": 6, "v1_minimum.yaml": 6}

Headers = Sequence[tuple[bytes, bytes]]


# --- features


def scenarios(text: str) -> Iterator[str]:
    """Each scenario of a feature, an outline once for each row of its examples."""
    for scenario in re.split(r"^ *Scenario(?: Outline)?:", text, flags=re.M)[1:]:
        steps, _, examples = scenario.partition("Examples:")
        rows = table(examples)
        for row in rows[1:] or [[]]:
            concrete = steps
            for name, value in zip(rows[0] if row else [], row, strict=True):
                concrete = concrete.replace(f"<{name}>", value)
            yield concrete


def table(text: str) -> list[list[str]]:
    rows = re.findall(r"^ *\|(.*)\| *$", text, flags=re.M)
    return [[cell.strip() for cell in row.split("|")] for row in rows]


def documents(text: str) -> list[str]:
    return [dedent(one).strip("\n") for one in re.findall(r'"""\n(.*?)"""', text, flags=re.S)]


def request(text: str) -> tuple[Headers, bytes]:
    head, _, body = text.partition("\n\n")
    lines = [line.partition(": ") for line in head.split("\n")[1:]]
    return [(name.lower().encode(), value.encode()) for name, _, value in lines], body.encode()


def test_the_scenarios_of_http_hold() -> None:
    text = (folder("features") / "http-protocol-binding.feature").read_text()
    found = list(scenarios(text))
    assert len(found) == SCENARIOS
    for scenario in found:
        sent, payload = documents(scenario)
        event = cloudevents_http.decode(*request(sent))
        assert isinstance(event, Event)
        _, *attributes = table(scenario)
        assert [event.get(name) for name, _ in attributes] == [value for _, value in attributes]
        assert json.loads(event.data or b"") == json.loads(payload)


# --- events


class _Texts(yaml.SafeLoader):
    """1.0 stays "1.0", and a time its text."""


_Texts.yaml_implicit_resolvers = {}


def told(name: str) -> list[Any]:
    version = folder("yaml")
    path = next(version.rglob(name))
    return list(yaml.load_all(path.read_text(), _Texts))  # a SafeLoader


def attributes_of(one: Mapping[str, Any]) -> dict[str, str]:
    found = dict(one["ContextAttributes"])
    # The file's literal blocks end with a line feed, which no header and no String holds.
    extensions = {name: value.strip() for name, value in found.pop("Extensions", {}).items()}
    return {**found, **extensions}


def binary(one: Mapping[str, Any]) -> tuple[Headers, bytes]:
    found = attributes_of(one)
    headers = [(b"content-type", found.pop("datacontenttype").encode())] if (
        "datacontenttype" in found
    ) else []  # fmt: skip
    headers += [(f"ce-{name}".encode(), quote(value).encode()) for name, value in found.items()]
    more = one.get("TransportExtensions", {}).items()
    headers += [(name.lower().encode(), value.encode()) for name, value in more]
    return headers, one["Data"].encode()


def structured(one: Mapping[str, Any]) -> tuple[Headers, bytes]:
    found = attributes_of(one)
    is_json = "json" in found.get("datacontenttype", "json")
    data = json.loads(one["Data"]) if is_json else one["Data"]
    headers = [(b"content-type", b"application/cloudevents+json; charset=utf-8")]
    return headers, json.dumps({**found, "data": data}).encode()


@pytest.mark.parametrize("name", YAML_EVENTS)
def test_the_events_are_read_in_both_modes(name: str) -> None:
    found = told(name)
    assert len(found) == YAML_EVENTS[name]
    limits = Limits(cloudevents_0_3=True)
    for one in found:
        expected = {**attributes_of(one), "specversion": "1.0"}
        for headers, body in (binary(one), structured(one)):
            event = limits.decode(headers, body)
            assert isinstance(event, Event)
            read = {key: event.get(key) for key in expected}
            assert read == expected
            if "json" in expected.get("datacontenttype", "json"):
                assert json.loads(event.data or b"") == json.loads(one["Data"])
            else:
                assert event.data == one["Data"].encode()
