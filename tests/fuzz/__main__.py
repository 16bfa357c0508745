"""python -m tests.fuzz --seconds N: hypothesis on each decoder, and atheris where it is installed;
then the registry for as long (tests.fuzz.registry_search).

Fails (exit 1) on the first input that raises anything but a CallerError, and prints the input.
"""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys
import time

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from chappe.domain.event import Event
from chappe.formats import block, cloudevents_http, cloudevents_json, cloudevents_protobuf
from chappe.formats.event_formats import AVRO, AVRO_COMPACT, CBOR, XML, Format
from tests.fuzz.differences import can_carry
from tests.fuzz.registry_search import search_all
from tests.fuzz.strategies import REQUIRED, events, headers, mutated
from tests.fuzz.targets import DECODERS, run

_encoded_json = events().map(cloudevents_json.encode)
_encoded_protobuf = events().map(cloudevents_protobuf.encode)


def _http_text(pairs: list[tuple[bytes, bytes]], body: bytes) -> bytes:
    return b"\n".join(name + b": " + value for name, value in pairs) + b"\n\n" + body


def _encoded(format: Format) -> st.SearchStrategy[bytes]:
    return events().filter(lambda event: can_carry(format, event)).map(format.encode)


def _carried_by_xml(batch: list[Event]) -> bool:
    return all(can_carry(XML, event) for event in batch)


_old_json = st.builds(
    lambda wire, old, new: wire.replace(b'"1.0"', b'"0.3"').replace(old, new),
    _encoded_json,
    st.sampled_from([b'"dataschema"', b'"data_base64"', b'"x"']),
    st.sampled_from([b'"schemaurl"', b'"datacontentencoding":"base64","data"']),
)

INPUTS: dict[str, st.SearchStrategy[bytes]] = {
    "json": st.one_of(st.binary(max_size=200), mutated(_encoded_json)),
    "json_batch": mutated(st.lists(events(), max_size=3).map(cloudevents_json.encode_batch)),
    "protobuf": st.one_of(st.binary(max_size=200), mutated(_encoded_protobuf)),
    "protobuf_batch": mutated(st.lists(_encoded_protobuf, max_size=3).map(block.encode_block)),
    "http": st.one_of(
        mutated(events().map(lambda event: _http_text(*cloudevents_http.encode_binary(event)))),
        st.builds(lambda more, body: _http_text([*REQUIRED, *more], body), headers, st.binary()),
        st.builds(_http_text, headers, st.one_of(_encoded_json, _encoded_protobuf, st.binary())),
    ),
    "xml": mutated(_encoded(XML)),
    "xml_batch": mutated(
        st.lists(events(), max_size=3).filter(_carried_by_xml).map(XML.encode_batch)
    ),
    "avro": st.one_of(st.binary(max_size=200), mutated(_encoded(AVRO))),
    "avro_compact": st.one_of(st.binary(max_size=200), mutated(_encoded(AVRO_COMPACT))),
    "cbor": st.one_of(st.binary(max_size=200), mutated(_encoded(CBOR))),
    "http_0_3": st.one_of(
        mutated(_old_json).map(
            lambda body: _http_text([(b"content-type", b"application/cloudevents+json")], body)
        ),
        st.builds(
            lambda more, body: _http_text(
                [(b"ce-specversion", b"0.3"), *REQUIRED[1:], *more], body
            ),
            headers,
            st.binary(),
        ),
    ),
}


def search(name: str, until: float) -> tuple[int, int]:
    """Rounds of fresh examples until the time is up: how many inputs, how many accepted."""
    tried = accepted = 0

    @settings(
        max_examples=500,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(INPUTS[name])
    def once(wire: bytes) -> None:
        nonlocal tried, accepted
        tried += 1
        accepted += run(DECODERS[name], wire)

    while time.monotonic() < until:
        once()
    return tried, accepted


def main() -> int:
    """Split the time between the decoders and the two tools."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    seconds: float = parser.parse_args().seconds
    has_atheris = importlib.util.find_spec("atheris") is not None
    share_s = seconds / len(DECODERS) / (2 if has_atheris else 1)
    for name in DECODERS:
        tried, accepted = search(name, time.monotonic() + share_s)
        print(f"hypothesis {name:15s} {tried:8d} inputs, {accepted:7d} accepted, no failure")  # noqa: T201
        if has_atheris:
            module = [sys.executable, "-m", "tests.fuzz.with_atheris", name]
            limits = [f"-max_total_time={max(1, round(share_s))}", "-rss_limit_mb=2048"]
            if subprocess.run([*module, *limits], check=False).returncode:
                return 1
            print(f"atheris    {name:15s} {share_s:6.0f} s, no failure")  # noqa: T201
    if not has_atheris:
        print("atheris is not installed: only hypothesis has searched")  # noqa: T201
    search_all(seconds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
