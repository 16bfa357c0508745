"""What each page of the console costs at a hub with 1,000 types and 200 subscriptions.

    python -m bench.console_pages [--types 1000] [--subscriptions 200] [--rounds 15]

Beside each page stands what a small answer of the API costs in the same run: machines differ, ratios do
less. `CPU` is the hub's own processor time for a page, `server` the time that its header Server-Timing
tells (the median), `gz` the page and all that it loads, compressed.
"""

from __future__ import annotations

import argparse
import gzip
import http.client
import re
import statistics
from collections.abc import Mapping
from urllib.parse import urljoin, urlsplit

from bench import processes

AIM_MS, AIM_BYTES = 50.0, 60_000
TYPE = "dept-7.order.created-7.v1"
SCHEMA = {
    "type": "object",
    "required": ["order", "total"],
    "properties": {
        "order": {"type": "string", "description": "The order's number"},
        "total": {"type": "number", "minimum": 0},
        "lines": {
            "type": "array",
            "items": {"type": "object", "properties": {"sku": {"type": "string"}}},
        },
    },
}
NEWER = {**SCHEMA, "required": ["order", "total", "currency"]}
FORMAT = "JsonSchema/draft-07"
PAGES = {
    "Find": "",
    "Find, one word": "?q=order",
    "Find, two words": "?q=created+7",
    "Find, an owner": "?owner=team-3",
    "Find, while typing": "?q=order&part=results",
    "Type": f"types/{TYPE}",
    "Subscribe": f"types/{TYPE}/subscribe",
    "Schemas": "schemas",
    "Schema": "schemas/g/order",
    "Event": "events/e-1",
    "Live": "live",
    "Subscriptions": "subscriptions",
    "Subscription": "subscriptions/s-7",
    "Deliveries": "deliveries",
    "Map": "map",
    "Map of an owner": "map?owner=team-3",
    "Health": "health",
    "Not found": "types/dept-7.order.creatd-7.v1",
}


def fill(url: str, types: int, subscriptions: int) -> None:
    """Types of 20 owners, some events of each tenth, subscriptions to one type or a prefix."""
    messages = {
        f"m{number}": {
            "description": f"An order of department {number} was created",
            "labels": {"owner": f"team-{number % 20}"},
            "envelope": "CloudEvents/1.0",
            "envelopemetadata": {"type": {"value": _type(number)}},
            "dataschemaformat": FORMAT,
            "dataschemaxid": "/schemagroups/g/schemas/order",
        }
        for number in range(types)
    }
    processes.call("PUT", f"{url}/schemagroups/g", {})
    schema = f"{url}/schemagroups/g/schemas/order$details"
    processes.call("PUT", schema, {"format": FORMAT, "schema": SCHEMA})
    processes.call("POST", schema, {"format": FORMAT, "versionid": "2", "schema": NEWER})
    processes.call("PUT", f"{url}/messagegroups/g", {"messages": messages})
    for number in range(20):
        processes.call(
            "PUT",
            f"{url}/endpoints/app-{number}",
            {
                "usage": ["producer" if number % 2 else "consumer"],
                "messagegroups": ["/messagegroups/g"],
            },
        )
    for number in range(subscriptions):
        wanted = (
            {"types": [_type(number)]}
            if number % 2
            else {"filters": [{"prefix": {"type": f"dept-{number}."}}]}
        )
        body = {"protocol": "HTTP", "sink": f"http://127.0.0.1:9/{number}", "paused": True}
        processes.call("POST", f"{url}/subscriptions?id=s-{number}", {**body, **wanted})
    batch = [
        {
            "specversion": "1.0",
            "id": f"e-{number}",
            "source": f"/app/{number % 7}",
            "type": _type(number * 10 % types if number else 7),
            "data": {"order": str(number), "total": number, "currency": "EUR"},
        }
        for number in range(500)
    ]
    kind = "application/cloudevents-batch+json"
    processes.call("POST", f"{url}/events", batch, content_type=kind)


def _type(number: int) -> str:
    return f"dept-{number}.order.created-{number}.v1"


class Reader:
    """A browser's connection: one, kept open, and compressed answers."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._http = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)

    def get(self, path: str, **headers: str) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers by their names in lower case, and the body as it was sent."""
        sent = {"accept": "text/html", "accept-encoding": "gzip", **headers}
        self._http.request("GET", path, headers=sent)
        answer = self._http.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, found, answer.read()


def server_ms(headers: Mapping[str, str]) -> float:
    """What Server-Timing tells."""
    return float(headers["server-timing"].rpartition("=")[2])


def whole_bytes(reader: Reader, path: str) -> int:
    """A page with all that it loads, compressed."""
    _, headers, body = reader.get(path)
    html = gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body
    loaded = set(re.findall(r'<(?:script|link)[^>]* (?:src|href)="([^"]+)"', html.decode()))
    return len(body) + sum(len(reader.get(urljoin(path, one))[2]) for one in loaded)


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    asked.add_argument("--types", type=int, default=1000)
    asked.add_argument("--subscriptions", type=int, default=200)
    asked.add_argument("--rounds", type=int, default=15)
    given = asked.parse_args()
    with processes.hub_process() as (url, pid):
        fill(url, given.types, given.subscriptions)
        reader = Reader(url)
        took: dict[str, list[float]] = {name: [] for name in PAGES}
        cpu: dict[str, float] = dict.fromkeys(PAGES, 0.0)
        reader.get("/console/")  # The first page loads what draws pages.
        small = processes.used_s(pid)
        for _ in range(given.rounds * 20):
            reader.get("/whoami")
        small = (processes.used_s(pid) - small) * 1000 / given.rounds / 20
        for name, path in PAGES.items():
            before = processes.used_s(pid)
            for _ in range(given.rounds):
                status, headers, _ = reader.get(f"/console/{path}")
                assert status == (404 if name == "Not found" else 200), (name, status)
                took[name].append(server_ms(headers))
            cpu[name] = (processes.used_s(pid) - before) * 1000 / given.rounds
        print(f"Pages of a hub with {given.types} types, {given.subscriptions} subscriptions")
        print(f"  {'':20}  server ms    CPU ms  / small answer ({small:.2f} ms)   gz bytes   304")
        for name, path in PAGES.items():
            here = f"/console/{path}"
            etag = reader.get(here)[1].get("etag", "")
            unchanged = reader.get(here, **{"if-none-match": etag})[0] == 304
            size = whole_bytes(reader, here)
            marks = (" SLOW" if statistics.median(took[name]) > AIM_MS else "") + (
                " LARGE" if size > AIM_BYTES else ""
            )
            print(
                f"  {name:20}  {statistics.median(took[name]):9.1f} {cpu[name]:9.1f}"
                f" {cpu[name] / small:9.0f}x {size:24,d}   {'yes' if unchanged else 'no':3}{marks}"
            )
        print(f"  aim: < {AIM_MS:g} ms, < {AIM_BYTES:,d} bytes")


if __name__ == "__main__":
    main()
