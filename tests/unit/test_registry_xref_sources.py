"""The index of mirrors is found once and then kept up with each write."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chappe.registry.xref import _sources, sources
from tests.spec.xregistry_writing import Registry, files

RESOURCES = st.sampled_from(["/dirs/d1/files/a", "/dirs/d1/files/b", "/dirs/d2/files/a"])
STEPS = st.lists(
    st.tuples(st.sampled_from(["set", "clear", "delete", "drop"]), RESOURCES, RESOURCES)
)


@given(STEPS)
def test_the_index_kept_is_the_one_that_is_found_anew(steps: list[tuple[str, str, str]]) -> None:
    hub = Registry(files())
    for what, xid, other in steps:
        match what:
            case "set":
                hub.put(f"{xid}/meta", {"xref": other})
            case "clear":
                hub.put(f"{xid}/meta", {"xref": None})
            case "delete":
                hub.post(xid.rpartition("/")[0], {})
                hub.delete(xid.rpartition("/")[0], {xid.rpartition("/")[2]: {}})
            case _:
                hub.delete("/dirs", {xid.split("/")[2]: {}})
        kept = sources(hub.tree)
        del _sources[hub.tree]
        assert sources(hub.tree) == kept
