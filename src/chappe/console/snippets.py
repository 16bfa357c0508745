"""How to subscribe to a type, in several languages, ready to be copied.

A name of a type may hold anything, so each language gets it as a literal of its own.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chappe.client import paths

SINK = "https://billing.example/events"
"""Where the events of the examples go; the one thing that a reader has to change."""


@dataclass(frozen=True, slots=True)
class Snippet:
    """One way; `anchor` is where it stands on the page."""

    anchor: str
    label: str
    code: str


def subscribing(type_: str, hub_url: str, *, sink: str = SINK, name: str = "") -> Sequence[Snippet]:
    """The ways to subscribe, the shortest first; without a name the hub gives one."""
    if name.startswith("-"):
        name = ""  # A command would take it for an option; no subscription is called so.
    wanted = {"sink": sink, "protocol": "HTTP", "types": [type_]}
    body = json.dumps(wanted, ensure_ascii=False)
    url = f"{hub_url}{paths.new_subscription(name or None)}"
    cli = " ".join(
        (
            "chappe sub create",
            *([shlex.quote(name)] if name else []),
            f"--url {shlex.quote(hub_url)} --type {shlex.quote(type_)} --to {shlex.quote(sink)}",
        )
    )
    local = (
        f"chappe event forward --url {shlex.quote(hub_url)} --type {shlex.quote(type_)}"
        " --to http://localhost:3000/events"
    )
    return (
        Snippet("cli", "Command line", f"{cli}\n\n# or to a program on your machine:\n{local}"),
        Snippet("yaml", "YAML", _yaml(type_, hub_url, sink, name or "billing")),
        Snippet("python", "Python", _python(type_, hub_url, sink, name)),
        Snippet("go", "Go", _go(body, url)),
        Snippet("javascript", "JavaScript", _javascript(wanted, url)),
        Snippet(
            "curl",
            "curl",
            f"curl {shlex.quote(url)} -H 'content-type: application/json' \\\n"
            f"  -d {shlex.quote(body)}",
        ),
    )


def sending(event: Mapping[str, object], hub_url: str) -> str:
    """How to send an event like this one; without a time, and with an id of its own, so that it is no repeat."""
    like = {name: value for name, value in event.items() if name != "time"}
    like["id"] = f"{event.get('id', '')}-again"
    return (
        f"curl {shlex.quote(hub_url + paths.channel_events(paths.DEFAULT_CHANNEL))}"
        " -H 'content-type: application/cloudevents+json' \\\n"
        f"  -d {shlex.quote(json.dumps(like, ensure_ascii=False))}"
    )


def _yaml(type_: str, hub_url: str, sink: str, name: str) -> str:
    return f"""\
# chappe apply --url {shlex.quote(hub_url)} -f billing.yaml
xid: {_yaml_text(f"/endpoints/hub/subscriptions/{name}")}
sink: {_yaml_text(sink)}
protocol: HTTP
types: [{_yaml_text(type_)}]
"""


def _python(type_: str, hub_url: str, sink: str, name: str) -> str:
    named = f"            id={_python_text(name)},\n" if name else ""
    return f"""\
import asyncio

from chappe.client.hub_client import HubClient


async def main() -> None:
    async with HubClient({_python_text(hub_url)}) as hub:
        made = await hub.subscribe(
            {{
                "sink": {_python_text(sink)},
                "protocol": "HTTP",
                "types": [{_python_text(type_)}],
            }},
{named}        )
        print(made.id)


asyncio.run(main())
"""


def _go(body: str, url: str) -> str:
    return f"""\
package main

import (
	"fmt"
	"net/http"
	"strings"
)

func main() {{
	body := {_quoted(body)}
	answer, err := http.Post({_quoted(url)}, "application/json", strings.NewReader(body))
	if err != nil {{
		panic(err)
	}}
	defer answer.Body.Close()
	fmt.Println(answer.Status, answer.Header.Get("Location"))
}}
"""


def _javascript(wanted: object, url: str) -> str:
    return f"""\
const answer = await fetch({_quoted(url)}, {{
  method: "POST",
  headers: {{ "content-type": "application/json" }},
  body: JSON.stringify({json.dumps(wanted, ensure_ascii=False)}),
}});
console.log(answer.status, (await answer.json()).id);
"""


def _quoted(text: str) -> str:
    """A string of Go and JavaScript: both know JSON's escapes, and neither minds other letters."""
    return json.dumps(text, ensure_ascii=False)


def _python_text(text: str) -> str:
    return _quoted(text) if text.isprintable() else ascii(text)


def _yaml_text(text: str) -> str:
    """JSON's string is YAML's, but for what YAML takes for a line end and wants escaped."""
    return "".join(
        letter if letter.isprintable() else f"\\U{ord(letter):08x}" for letter in _quoted(text)
    )
